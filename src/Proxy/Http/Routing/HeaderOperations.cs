using System.Text;
using Envoy.Config.Core.V3;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Headers;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;

namespace Lateen.Proxy.Http.Routing;

/// <summary>Headers that a route adds, sets or removes. Immutable. Source: envoy.config.core.v3.HeaderValueOption.</summary>
internal sealed class HeaderOperations
{
    public static readonly HeaderOperations None = new([], []);
    private readonly (byte[] Name, FormatString Value, HeaderValueOption.Types.HeaderAppendAction Action, bool KeepEmpty)[] _add;
    private readonly byte[][] _remove;

    private HeaderOperations((byte[], FormatString, HeaderValueOption.Types.HeaderAppendAction, bool)[] add, byte[][] remove) => (_add, _remove) = (add, remove);

    public bool IsEmpty => _add.Length == 0 && _remove.Length == 0;

    public static HeaderOperations Compile(IReadOnlyList<HeaderValueOption> add, IReadOnlyList<string> remove, string path)
    {
        if (add.Count == 0 && remove.Count == 0) return None;
        var compiled = new (byte[], FormatString, HeaderValueOption.Types.HeaderAppendAction, bool)[add.Count];
        for (var i = 0; i < add.Count; i++)
        {
            var option = add[i];
            var at = $"{path}[{i}]";
            if (option.Header is null || option.Header.Key.Length == 0) throw new ConfigRefusedException(at + ".header.key", "the name is empty");
            var name = option.Header.Key.ToLowerInvariant();
            if (name.StartsWith(':') || name == "host") throw new ConfigRefusedException(at + ".header.key", $"{name} may not be changed");
            var action = option.AppendAction;
#pragma warning disable CS0612 // append is older than append_action, and still sent.
            if (option.Append is not null && action != HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd) throw new ConfigRefusedException(at, "has both append and append_action");
            if (option.Append is { } append) action = append ? HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd : HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd;
#pragma warning restore CS0612
            compiled[i] = (Encoding.ASCII.GetBytes(name), FormatString.Compile(option.Header.Value, at + ".header.value"), action, option.KeepEmptyValue);
        }
        if (remove.FirstOrDefault(name => name.StartsWith(':') || name.Equals("host", StringComparison.OrdinalIgnoreCase)) is { } kept)
            throw new ConfigRefusedException(path.Replace("_to_add", "_to_remove", StringComparison.Ordinal), $"{kept} may not be removed");
        return new HeaderOperations(compiled, [.. remove.Select(name => Encoding.ASCII.GetBytes(name.ToLowerInvariant()))]);
    }

    /// <summary>Applies them: first what is removed, then what is added.</summary>
    public void Apply(HeaderMap target, in FormatContext context, ByteBuilder scratch)
    {
        foreach (var name in _remove) target.Remove(name);
        foreach (var (name, value, action, keepEmpty) in _add)
        {
            scratch.Clear();
            value.Write(scratch, context, default);
            if (scratch.Length == 0 && !keepEmpty) continue;
            var exists = target.Find(name, 0) >= 0;
            switch (action)
            {
                case HeaderValueOption.Types.HeaderAppendAction.AppendIfExistsOrAdd:
                    target.Add(name, scratch.Span);
                    break;
                case HeaderValueOption.Types.HeaderAppendAction.AddIfAbsent when !exists:
                case HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExists when exists:
                case HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd:
                    target.Set(name, scratch.Span);
                    break;
            }
        }
    }
}
