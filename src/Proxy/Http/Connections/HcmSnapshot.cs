using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tracing;

namespace Lateen.Proxy.Http.Connections;

/// <summary>A route table that may be replaced while it is in use: inline, or from RDS. Written by the configuration thread, read by workers.</summary>
internal sealed class RouteSlot(string name) : IDependency
{
    private volatile RouteTable? _table;

    /// <summary>Name in RDS; empty for an inline table.</summary>
    public string Name { get; } = name;

    /// <summary>Where the table comes from.</summary>
    public ConfigOrigin Origin { get; init; } = ConfigOrigin.Stream;

    public bool IsThere => _table is not null;

    public long PatienceMs => Origin.PatienceMs;

    /// <summary>Null until the first one has come.</summary>
    public RouteTable? Table
    {
        get => _table;
        set => _table = value;
    }
}

/// <summary>How the protocol of a connection is found.</summary>
internal enum CodecKind
{
    /// <summary>By ALPN, else by the first bytes.</summary>
    Auto,
    Http1,
    Http2,
}

/// <summary>What is done with the server header of a response.</summary>
internal enum ServerHeader
{
    Overwrite,
    AppendIfAbsent,
    PassThrough,
}

/// <summary>What is done with x-forwarded-client-cert of a request.</summary>
internal enum ClientCertHeader
{
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForward,
}

/// <summary>What is done with %2F and %5C in a path.</summary>
internal enum EscapedSlashes
{
    Keep,
    Reject,
    UnescapeAndRedirect,
    UnescapeAndForward,
}

/// <summary>What is done with headers whose names hold an underscore.</summary>
internal enum UnderscoreHeaders
{
    Allow,
    Reject,
    Drop,
}

/// <summary>A connection manager, compiled. Immutable. Times in milliseconds, 0 for none. Source: envoy HttpConnectionManager.</summary>
internal sealed record HcmSnapshot
{
    public required HttpStats Stats { get; init; }

    public required RouteSlot Routes { get; init; }

    /// <summary>Before the router.</summary>
    public HttpFilterSlot[] Filters { get; init; } = [];

    public AccessLog[] AccessLogs { get; init; } = [];

    /// <summary>Null for no tracing.</summary>
    public TracingSettings? Tracing { get; init; }

    public Http1Limits Limits { get; init; } = Http1Limits.Default;

    public CodecKind Codec { get; init; }

    public Http2.Http2Options Http2 { get; init; } = Proxy.Http.Http2.Http2Options.Default;

    public required Http2Stats Http2Stats { get; init; }

    /// <summary>Time in which a client that was told to go may still open streams.</summary>
    public long DrainTimeoutMs { get; init; } = 5000;

    public byte[] ServerName { get; init; } = "envoy"u8.ToArray();

    public ServerHeader ServerHeader { get; init; }

    public bool UseRemoteAddress { get; init; }

    public int TrustedHops { get; init; }

    public bool SkipForwardedFor { get; init; }

    public bool GenerateRequestId { get; init; } = true;

    public bool PreserveExternalRequestId { get; init; }

    public bool AlwaysSetRequestIdInResponse { get; init; }

    public ClientCertHeader ClientCert { get; init; }

    public ClientCertDetails ClientCertDetails { get; init; }

    public byte[] Via { get; init; } = [];

    public bool NormalizePath { get; init; }

    public bool MergeSlashes { get; init; }

    public EscapedSlashes EscapedSlashes { get; init; }

    public UnderscoreHeaders UnderscoreHeaders { get; init; }

    public bool AllowWebSocket { get; init; }

    public bool AllowConnect { get; init; }

    public bool StripMatchingPort { get; init; }

    public bool Proxy100Continue { get; init; }

    /// <summary>Trailers of HTTP/1 messages are passed on rather than dropped.</summary>
    public bool EnableTrailers { get; init; }

    public bool SuppressEnvoyHeaders { get; init; }

    public long IdleTimeoutMs { get; init; } = 3_600_000;

    public long StreamIdleTimeoutMs { get; init; } = 300_000;

    /// <summary>Time for a whole stream.</summary>
    public long MaxStreamDurationMs { get; init; }

    public long RequestTimeoutMs { get; init; }

    public long RequestHeadersTimeoutMs { get; init; }

    public long MaxConnectionDurationMs { get; init; }

    public long MaxRequestsPerConnection { get; init; }

    public long DelayedCloseMs { get; init; } = 1000;

    /// <summary>Answers every request itself; for the admin pages. The function runs on the thread pool.</summary>
    public Func<DirectRequest, Task<DirectAnswer>>? Handler { get; init; }
}

/// <summary>A request to a handler of the proxy's own.</summary>
internal sealed record DirectRequest(string Method, string Path, byte[] Body);

/// <summary>Its answer.</summary>
internal sealed record DirectAnswer(int Status, string ContentType, byte[] Body);
