using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.OriginalDst.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>The filters that look at a connection before a chain is chosen.</summary>
internal static class ListenerFilters
{
    /// <summary>What the HTTP inspector reports of a connection that speaks HTTP in plain text.</summary>
    public static readonly string[] PlainHttp = ["http/1.1", "h2c"];

    public const string RawBuffer = "raw_buffer";

    public static ListenerFilter HttpInspector() => new() { Name = "envoy.filters.listener.http_inspector", TypedConfig = Any.Pack(new HttpInspector()) };

    public static ListenerFilter TlsInspector() =>
        new() { Name = "envoy.filters.listener.tls_inspector", TypedConfig = Any.Pack(new TlsInspector { InitialReadBufferSize = 512 }) };

    public static ListenerFilter OriginalDst() => new() { Name = "envoy.filters.listener.original_dst", TypedConfig = Any.Pack(new OriginalDst()) };

    /// <summary>True for connections to any of these ports.</summary>
    public static ListenerFilterChainMatchPredicate AnyPort(IReadOnlyList<int> ports)
    {
        ListenerFilterChainMatchPredicate[] rules = [.. ports.Select(p => new ListenerFilterChainMatchPredicate { DestinationPortRange = new() { Start = p, End = p + 1 } })];
        return rules.Length == 1 ? rules[0] : new() { OrMatch = new() { Rules = { rules } } };
    }
}
