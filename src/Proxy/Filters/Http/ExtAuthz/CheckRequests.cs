using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Tls;
using CoreMetadata = Envoy.Config.Core.V3.Metadata;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;
using ProtoAddress = Envoy.Config.Core.V3.Address;
using SocketAddress = Lateen.Proxy.Network.SocketAddress;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>What of a connection and its streams is told to an authorisation service. Immutable.</summary>
internal sealed record CheckSettingsSnapshot
{
    public IReadOnlyList<string> MetadataNamespaces { get; init; } = [];

    public IReadOnlyList<string> RouteMetadataNamespaces { get; init; } = [];

    public bool IncludeCertificate { get; init; }

    public bool IncludeTlsSession { get; init; }

    /// <summary>Headers as bytes, each by itself, rather than as texts by name.</summary>
    public bool RawHeaders { get; init; }

    /// <summary>Names of headers that are told; null for all.</summary>
    public NameList? Allowed { get; init; }

    public NameList Disallowed { get; init; } = NameList.Of(null, "");

    /// <summary>Labels of this workload, from the bootstrap.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Writes questions to authorisation services. Source: envoy.service.auth.v3.AttributeContext and Envoy's
/// source/extensions/filters/common/ext_authz/check_request_utils.cc.
/// </summary>
internal static class CheckRequests
{
    /// <summary>The question about a connection.</summary>
    public static CheckRequest Of(StreamInfo info, CheckSettingsSnapshot settings)
    {
        var attributes = new AttributeContext
        {
            Source = Peer(info.DownstreamRemote, info.DownstreamTls?.Peer, settings.IncludeCertificate ? info.DownstreamTls?.Peer : null),
            Destination = Peer(info.DownstreamLocal, info.DownstreamTls?.Local, null),
            MetadataContext = Namespaces(info.Metadata, settings.MetadataNamespaces),
        };
        foreach (var (key, value) in settings.Labels) attributes.Destination.Labels[key] = value;
        if (settings.IncludeTlsSession && info.DownstreamTls is not null) attributes.TlsSession = new AttributeContext.Types.TLSSession { Sni = info.RequestedServerName };
        return new CheckRequest { Attributes = attributes };
    }

    /// <summary>The question about a request.</summary>
    public static CheckRequest Of(HttpExchange exchange, in AuthQuestion question, CheckSettingsSnapshot settings)
    {
        var (info, request) = (exchange.Info, exchange.Request);
        var check = Of(info, settings);
        var attributes = check.Attributes;
        attributes.Source.Service = Text(request[KnownHeader.EnvoyDownstreamCluster]);
        foreach (var (key, value) in question.Extensions) attributes.ContextExtensions[key] = value;
        attributes.RouteMetadataContext = RouteNamespaces(exchange.Route?.Metadata, settings.RouteMetadataNamespaces);
        var http = new AttributeContext.Types.HttpRequest
        {
            Id = exchange.Worker.Random.NextInt64().ToString(System.Globalization.CultureInfo.InvariantCulture),
            Method = Text(request[KnownHeader.Method]),
            Path = Text(request[KnownHeader.Path]),
            Host = Text(request[KnownHeader.Authority]),
            Scheme = Text(request[KnownHeader.Scheme]),
            Size = HttpText.TryParseLength(request[KnownHeader.ContentLength], out var length) ? length : -1,
            Protocol = info.Protocol,
        };
        if (question.AsBytes) http.RawBody = ByteString.CopyFrom(question.Body.Span);
        else http.Body = Encoding.UTF8.GetString(question.Body.Span);
        WriteHeaders(http, request, question, settings);
        attributes.Request = new AttributeContext.Types.Request { Time = Timestamp.FromDateTime(DateTime.SpecifyKind(info.StartUtc, DateTimeKind.Utc)), Http = http };
        return check;
    }

    private static void WriteHeaders(AttributeContext.Types.HttpRequest http, HeaderMap request, in AuthQuestion question, CheckSettingsSnapshot settings)
    {
        if (settings.RawHeaders) http.HeaderMap = new Envoy.Config.Core.V3.HeaderMap();
        void Add(string name, ReadOnlySpan<byte> value)
        {
            if (settings.RawHeaders) http.HeaderMap.Headers.Add(new HeaderValue { Key = name, RawValue = ByteString.CopyFrom(value) });
            else if (http.Headers.TryGetValue(name, out var before)) http.Headers[name] = before + "," + Text(value);
            else http.Headers[name] = Text(value);
        }
        for (var place = 0; place < request.Places; place++)
        {
            if (!request.TryAt(place, out _, out var name, out var value) || name.SequenceEqual("x-envoy-auth-partial-body"u8)) continue;
            if (settings.Allowed?.IsMatch(name) == false || settings.Disallowed.IsMatch(name)) continue;
            Add(Encoding.ASCII.GetString(name), value);
        }
        if (question.HasBody) Add("x-envoy-auth-partial-body", question.IsPart ? "true"u8 : "false"u8);
    }

    private static AttributeContext.Types.Peer Peer(SocketAddress address, CertificateFacts? identity, CertificateFacts? certificate) => new()
    {
        Address = Address(address),
        Principal = identity is null ? "" : identity.UriNames is [var uri, ..] ? uri : identity.DnsNames is [var dns, ..] ? dns : identity.Subject,
        Certificate = certificate?.UrlEncodedPem ?? "",
    };

    private static ProtoAddress Address(in SocketAddress address) => address.Path is { } path
        ? new ProtoAddress { Pipe = new Pipe { Path = path } }
        : new ProtoAddress { SocketAddress = new Envoy.Config.Core.V3.SocketAddress { Address = address.ToIpAddress().ToString(), PortValue = (uint)address.Port } };

    private static CoreMetadata Namespaces(DynamicMetadata metadata, IReadOnlyList<string> names)
    {
        var told = new CoreMetadata();
        foreach (var name in names)
            if (metadata.Find(name) is { } fields)
                told.FilterMetadata[name] = fields.Clone();
        return told;
    }

    private static CoreMetadata RouteNamespaces(CoreMetadata? metadata, IReadOnlyList<string> names)
    {
        var told = new CoreMetadata();
        foreach (var name in names)
            if (metadata?.FilterMetadata.GetValueOrDefault(name) is { } fields)
                told.FilterMetadata[name] = fields;
        return told;
    }

    /// <summary>A protobuf text takes only UTF-8: other bytes become the replacement character.</summary>
    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
