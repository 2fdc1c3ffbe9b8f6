using System.Text;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Http.Headers;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;
using AppendAction = Envoy.Config.Core.V3.HeaderValueOption.Types.HeaderAppendAction;

namespace Lateen.Proxy.Filters.Http;

/// <summary>What is done with one header.</summary>
internal enum HeaderChangeKind
{
    /// <summary>It has exactly this value.</summary>
    Set,

    /// <summary>It has this value too.</summary>
    Add,
    AddIfAbsent,
    SetIfPresent,
    Remove,
}

/// <summary>One change of a header that a service asks for. The name is lower case. Immutable.</summary>
internal readonly record struct HeaderChange(HeaderChangeKind Kind, byte[] Name, byte[] Value)
{
    /// <summary>It can be written into a message.</summary>
    public bool IsValid => (Name is [(byte)':', .. var rest] ? HttpText.IsToken(rest) : HttpText.IsToken(Name)) && HttpText.IsFieldValue(Value);

    /// <summary>By append where it is given, else by append_action.</summary>
    public static HeaderChange Of(HeaderValueOption option)
    {
#pragma warning disable CS0612 // append is older than append_action, and still sent.
        var append = option.Append;
#pragma warning restore CS0612
        var kind = append is { } given ? given ? HeaderChangeKind.Add : HeaderChangeKind.Set : option.AppendAction switch
        {
            AppendAction.AddIfAbsent => HeaderChangeKind.AddIfAbsent,
            AppendAction.OverwriteIfExistsOrAdd => HeaderChangeKind.Set,
            AppendAction.OverwriteIfExists => HeaderChangeKind.SetIfPresent,
            _ => HeaderChangeKind.Add,
        };
        return Of(kind, option.Header);
    }

    public static HeaderChange Of(HeaderChangeKind kind, HeaderValue? header)
    {
        var name = (header?.Key ?? "").ToLowerInvariant();
        var value = header is null ? [] : header.RawValue.Length > 0 ? header.RawValue.ToByteArray() : Encoding.UTF8.GetBytes(header.Value);
        return new HeaderChange(kind, Encoding.ASCII.GetBytes(name == "host" ? ":authority" : name), value);
    }

    public static HeaderChange Removal(string name) => new(HeaderChangeKind.Remove, Encoding.ASCII.GetBytes(name.ToLowerInvariant()), []);

    public void Apply(HeaderMap headers)
    {
        switch (Kind)
        {
            case HeaderChangeKind.Set:
                headers.Set(Name, Value);
                break;
            case HeaderChangeKind.Add when Name.AsSpan().StartsWith(":"u8):
                headers.Set(Name, Value);
                break;
            case HeaderChangeKind.Add:
                headers.Add(Name, Value);
                break;
            case HeaderChangeKind.AddIfAbsent when headers.Find(Name, 0) < 0:
                headers.Add(Name, Value);
                break;
            case HeaderChangeKind.SetIfPresent when headers.Find(Name, 0) >= 0:
                headers.Set(Name, Value);
                break;
            case HeaderChangeKind.Remove:
                headers.Remove(Name);
                break;
        }
    }
}
