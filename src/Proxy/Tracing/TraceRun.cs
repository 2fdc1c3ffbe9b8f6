using System.Globalization;
using System.Text;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Tracing;

/// <summary>
/// The span of one request: decides whether there is one, tells the upstream of it, and hands it on when the request is over.
/// Reused; owned by one worker. Source: Envoy, Http::Utility mutateTracingRequestHeader and HttpTracerUtility.
/// </summary>
internal sealed class TraceRun
{
    private TracingSettings? _settings;
    private TraceContext _context;
    private bool _isShared;

    /// <summary>The request's head is ready and its route chosen.</summary>
    public void Begin(HttpExchange exchange)
    {
        _settings = exchange.Hcm.Tracing;
        if (_settings is not { } settings) return;
        var (request, random) = (exchange.Request, exchange.Worker.Random);
        var reason = Decide(settings, request, random);
        exchange.Info.TraceReason = reason;
        var received = TraceContext.Read(request, settings.Propagation);
        var isSampled = received.IsSampled ?? reason != TraceReason.None;
        (_isShared, _context) = (false, received) switch
        {
            (_, { IsEmpty: true }) => (false, New(settings, random, isSampled)),
            // The caller's span is continued by the server that it was sent to; a client begins one below it.
            _ when settings.SharesSpans && !settings.IsEgress => (true, received with { IsSampled = isSampled }),
            _ => (false, received with { SpanId = Id(random), ParentId = received.SpanId, IsSampled = isSampled }),
        };
        _context.Write(request, settings.Propagation);
    }

    /// <summary>The request is over: the span, if it is sampled, is handed on.</summary>
    public void End(HttpExchange exchange)
    {
        if (_settings is not { } settings) return;
        _settings = null;
        if (_context.IsSampled != true) return;
        var info = exchange.Info;
        settings.Exporter.Add(new FinishedSpan(
            _context, _isShared, NameOf(settings, exchange), settings.IsEgress, info.StartUtc, TimeSpan.FromMilliseconds(Math.Max(0, info.End - info.Start)), SpanTags.Of(settings, exchange),
            info.Status >= 500 || info.Status == 0));
    }

    private static TraceReason Decide(TracingSettings settings, HeaderMap request, Random random)
    {
        var reason = settings.ReadsReason ? PackedReason.Read(request[KnownHeader.RequestId]) : TraceReason.None;
        var before = reason;
        if (reason == TraceReason.None)
        {
            if (request.Has(KnownHeader.ClientTraceId) && Hits(settings.ClientSampling, random)) reason = TraceReason.ByClient;
            else if (request.Has(KnownHeader.EnvoyForceTrace)) reason = TraceReason.Forced;
            else if (Hits(settings.RandomSampling, random)) reason = TraceReason.Sampled;
        }
        if (reason != TraceReason.None && !Hits(settings.OverallSampling, random)) reason = TraceReason.None;
        if (settings.PacksReason && reason != before) PackedReason.Write(request, reason);
        return reason;
    }

    private static bool Hits(double percent, Random random) => percent >= 100 || percent > 0 && random.NextDouble() * 100 < percent;

    private static TraceContext New(TracingSettings settings, Random random, bool isSampled)
    {
        var low = Id(random);
        // Zipkin's first span has the trace's own id; OpenTelemetry's has another.
        return new TraceContext(settings.LongIds ? Id(random) : 0, low, settings.SharesSpans ? low : Id(random), 0, isSampled);
    }

    private static ulong Id(Random random) => (ulong)random.NextInt64(1, long.MaxValue);

    private static string NameOf(TracingSettings settings, HttpExchange exchange)
    {
        if (settings.Operation is { } operation)
        {
            exchange.Scratch.Clear();
            operation.Write(exchange.Scratch, exchange.Format, default);
            return Encoding.UTF8.GetString(exchange.Scratch.Span);
        }
        return exchange.Route?.DecoratorOperation is { Length: > 0 } decorated ? decorated : Encoding.UTF8.GetString(exchange.Request[KnownHeader.Authority]);
    }
}

/// <summary>The tags of a span, Envoy's standard ones and the configuration's.</summary>
internal static class SpanTags
{
    public static List<(string, string)> Of(TracingSettings settings, HttpExchange exchange)
    {
        var (info, request, response) = (exchange.Info, exchange.Request, exchange.Response);
        var tags = new List<(string, string)>(20 + settings.Tags.Length) { ("component", "proxy") };
        void Add(string name, string value)
        {
            if (value.Length > 0) tags.Add((name, value));
        }
        void AddHeader(string name, ReadOnlySpan<byte> value) => Add(name, Encoding.UTF8.GetString(value));
        if (exchange.Context.Node is { } node)
        {
            Add("node_id", node.Id);
            Add("zone", node.Locality?.Zone ?? "");
        }
        AddHeader("guid:x-request-id", request[KnownHeader.RequestId]);
        var path = request.TryGet(KnownHeader.EnvoyOriginalPath, out var original) ? original : request[KnownHeader.Path];
        var scheme = request.TryGet(KnownHeader.ForwardedProto, out var forwarded) ? forwarded : request[KnownHeader.Scheme];
        Add("http.url", $"{Encoding.UTF8.GetString(scheme)}://{Encoding.UTF8.GetString(request[KnownHeader.Authority])}{Encoding.UTF8.GetString(path.Length > settings.MaxPathLength ? path[..settings.MaxPathLength] : path)}");
        AddHeader("http.method", request[KnownHeader.Method]);
        tags.Add(("downstream_cluster", request.TryGet("x-envoy-downstream-service-cluster"u8, out var from) ? Encoding.UTF8.GetString(from) : "-"));
        tags.Add(("user_agent", request.TryGet(KnownHeader.UserAgent, out var agent) ? Encoding.UTF8.GetString(agent) : "-"));
        Add("http.protocol", info.Protocol);
        Add("peer.address", info.DownstreamDirectRemote.IsNone ? "" : WithoutPort(info.DownstreamDirectRemote, exchange.Scratch));
        tags.Add(("request_size", info.BytesReceived.ToString(CultureInfo.InvariantCulture)));
        if (request[KnownHeader.ContentType].StartsWith("application/grpc"u8))
        {
            AddHeader("grpc.path", request[KnownHeader.Path]);
            AddHeader("grpc.authority", request[KnownHeader.Authority]);
            if (GrpcStatus.Of(exchange.ResponseTrailers, response) is >= 0 and var status) tags.Add(("grpc.status_code", status.ToString(CultureInfo.InvariantCulture)));
            AddHeader("grpc.message", exchange.ResponseTrailers is { } trailers && trailers.TryGet(KnownHeader.GrpcMessage, out var text) ? text : response[KnownHeader.GrpcMessage]);
        }
        tags.Add(("http.status_code", info.Status.ToString(CultureInfo.InvariantCulture)));
        tags.Add(("response_size", info.BytesSent.ToString(CultureInfo.InvariantCulture)));
        var flags = FormatOperators.FlagsText(info.Flags);
        tags.Add(("response_flags", flags));
        if (info.Cluster.Length > 0)
        {
            tags.Add(("upstream_cluster", info.Cluster));
            tags.Add(("upstream_cluster.name", exchange.Context.Clusters.Current.Find(info.Cluster)?.Snapshot.StatName ?? info.Cluster));
        }
        if (info.UpstreamHost is { } host) tags.Add(("upstream_address", host.Text));
        if (info.Status >= 500 || info.Status == 0) tags.Add(("error", "true"));
        foreach (var tag in settings.Tags)
        {
            exchange.Scratch.Clear();
            if (tag.Value is { } format) format.Write(exchange.Scratch, exchange.Format, default);
            Add(tag.Name, exchange.Scratch.Length > 0 ? Encoding.UTF8.GetString(exchange.Scratch.Span) : tag.Default);
        }
        return tags;
    }

    private static string WithoutPort(Network.SocketAddress address, ByteBuilder scratch)
    {
        scratch.Clear();
        scratch.Append(address, withPort: false);
        return Encoding.ASCII.GetString(scratch.Span);
    }
}
