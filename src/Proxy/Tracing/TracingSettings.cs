using Lateen.Proxy.AccessLogs;

namespace Lateen.Proxy.Tracing;

/// <summary>Tracing of a connection manager, compiled. Immutable. Source: envoy HttpConnectionManager.Tracing.</summary>
internal sealed record TracingSettings
{
    /// <summary>Percent of requests with x-client-trace-id, of all others, and of both together.</summary>
    public double ClientSampling { get; init; } = 100;

    public double RandomSampling { get; init; } = 100;

    public double OverallSampling { get; init; } = 100;

    public int MaxPathLength { get; init; } = 256;

    public SpanTag[] Tags { get; init; } = [];

    /// <summary>The span's name; null for the route's or the host's.</summary>
    public FormatString? Operation { get; init; }

    /// <summary>Spans are the client's rather than the server's.</summary>
    public bool IsEgress { get; init; }

    /// <summary>The decision is written into x-request-id.</summary>
    public bool PacksReason { get; init; } = true;

    /// <summary>The decision that x-request-id carries counts.</summary>
    public bool ReadsReason { get; init; } = true;

    public required Propagation Propagation { get; init; }

    /// <summary>New traces have ids of 128 bits.</summary>
    public bool LongIds { get; init; } = true;

    /// <summary>A server takes the caller's span for its own, as Zipkin does.</summary>
    public bool SharesSpans { get; init; }

    public required ISpanExporter Exporter { get; init; }
}

/// <summary>A tag of the configuration's own: a text with operators, or null for no value.</summary>
internal sealed record SpanTag(string Name, FormatString? Value, string Default);

/// <summary>Takes finished spans away from the workers. Any thread; never blocks.</summary>
internal interface ISpanExporter
{
    void Add(FinishedSpan span);
}

/// <summary>A span as it is sent; a shared one has the caller's id, of whose span it is the server's half. Immutable.</summary>
internal sealed record FinishedSpan(
    TraceContext Context, bool IsShared, string Name, bool IsClient, DateTime StartUtc, TimeSpan Duration, IReadOnlyList<(string Name, string Value)> Tags, bool IsError);
