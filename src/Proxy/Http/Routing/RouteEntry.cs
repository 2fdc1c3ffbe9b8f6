using System.Text.RegularExpressions;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Http.Routing;

/// <summary>How a request is retried. Immutable. Times in milliseconds.</summary>
internal sealed record RetryPolicy
{
    public RetryOn On { get; init; }

    public int Retries { get; init; } = 1;

    public long PerTryTimeoutMs { get; init; }

    /// <summary>Longest silence of the upstream within an attempt; 0 for no limit.</summary>
    public long PerTryIdleTimeoutMs { get; init; }

    public IReadOnlySet<int> StatusCodes { get; init; } = new HashSet<int>();

    public HeaderMatch[] RetriableHeaders { get; init; } = [];

    /// <summary>Only requests with one of these are retried; none for all.</summary>
    public HeaderMatch[] RetriableRequestHeaders { get; init; } = [];

    public bool AvoidPreviousHosts { get; init; }

    /// <summary>Hosts that retries leave out for other reasons.</summary>
    public HostAvoidance? Avoid { get; init; }

    /// <summary>After so many attempts their priorities are left out; 0 for never.</summary>
    public int PriorityUpdateFrequency { get; init; }

    public int HostSelectionAttempts { get; init; } = 1;

    public long BackOffBaseMs { get; init; } = 25;

    public long BackOffMaxMs { get; init; } = 250;

    /// <summary>Response headers that say when to try again, in seconds or as a time.</summary>
    public (byte[] Name, bool IsTime)[] RateLimitHeaders { get; init; } = [];

    /// <summary>A longer wait than this is not believed.</summary>
    public long RateLimitMaxMs { get; init; } = 300_000;
}

/// <summary>Envoy's retry conditions. Source: Envoy's "x-envoy-retry-on".</summary>
[Flags]
internal enum RetryOn
{
    None = 0,
    Status5xx = 1,
    GatewayError = 2,
    Reset = 4,
    ConnectFailure = 8,
    RefusedStream = 16,
    Retriable4xx = 32,
    RetriableStatusCodes = 64,
    RetriableHeaders = 128,
    RateLimited = 256,
    ResetBeforeRequest = 512,
    GrpcCancelled = 1024,
    GrpcDeadlineExceeded = 2048,
    GrpcInternal = 4096,
    GrpcResourceExhausted = 8192,
    GrpcUnavailable = 16384,
    Http3PostConnectFailure = 32768,
}

/// <summary>What a redirect changes.</summary>
internal sealed record RedirectAction(
    int Status, string? Scheme, bool HttpsRedirect, string? Host, int? Port, string? Path, string? PrefixRewrite, Regex? RegexPattern, string? RegexSubstitution, bool StripQuery);

/// <summary>A fixed answer.</summary>
internal sealed record DirectResponse(int Status, byte[] Body);

/// <summary>One of several clusters that share a route's requests.</summary>
internal sealed record WeightedCluster(string Cluster, int Weight, HeaderOperations Request, HeaderOperations Response, string? HostRewrite, RouteFilters Filters)
{
    /// <summary>The subset that serves: the route's labels and its own.</summary>
    public SubsetCriteria? Criteria { get; init; }
}

/// <summary>Where requests are copied to.</summary>
internal sealed record MirrorPolicy(string Cluster, double Percent, bool KeepHost);

/// <summary>What a request is hashed by.</summary>
internal sealed record HashPolicy(byte[]? Header, string? CookieName, long? CookieTtlSeconds, string? CookiePath, bool SourceIp, byte[]? QueryParameter, bool Terminal)
{
    /// <summary>What becomes of a header's value before it is hashed.</summary>
    public (Regex Pattern, string Substitution)? Rewrite { get; init; }
}

/// <summary>What is done with the requests of a route. Immutable.</summary>
internal sealed record RouteEntry
{
    public required RouteMatcher Match { get; init; }

    public string Name { get; init; } = "";

    public string? Cluster { get; init; }

    public byte[]? ClusterHeader { get; init; }

    public WeightedCluster[] Weighted { get; init; } = [];

    public int TotalWeight { get; init; }

    public int ClusterNotFoundStatus { get; init; } = 503;

    public RedirectAction? Redirect { get; init; }

    public DirectResponse? Direct { get; init; }

    /// <summary>0 for none.</summary>
    public long TimeoutMs { get; init; } = 15_000;

    /// <summary>Null for the connection manager's own.</summary>
    public long? IdleTimeoutMs { get; init; }

    /// <summary>Time for the whole stream; null for the connection manager's.</summary>
    public long? MaxStreamDurationMs { get; init; }

    /// <summary>Most that grpc-timeout may ask for, 0 for anything; null when the header does not matter.</summary>
    public long? GrpcTimeoutMaxMs { get; init; }

    /// <summary>Taken off what grpc-timeout asks for.</summary>
    public long GrpcTimeoutOffsetMs { get; init; }

    /// <summary>gRPC requests take their time from grpc-timeout, at most this; 0 for no limit, null when that header does not count.</summary>
    public long? GrpcRouteTimeoutMaxMs { get; init; }

    /// <summary>The subset of the cluster that serves; null for all.</summary>
    public SubsetCriteria? Criteria { get; init; }

    /// <summary>Requests count against the cluster's limits of high priority.</summary>
    public bool IsHighPriority { get; init; }

    public RetryPolicy? Retry { get; init; }

    public string? PrefixRewrite { get; init; }

    public Regex? RegexRewrite { get; init; }

    public string RegexSubstitution { get; init; } = "";

    /// <summary>Puts the path together anew from a template's variables.</summary>
    public TemplateRewrite? TemplateRewrite { get; init; }

    public string? HostRewrite { get; init; }

    /// <summary>Makes the host of the path.</summary>
    public (Regex Pattern, string Substitution)? HostFromPath { get; init; }

    public bool AutoHostRewrite { get; init; }

    public byte[]? HostRewriteHeader { get; init; }

    public bool AppendForwardedHost { get; init; }

    public MirrorPolicy[] Mirrors { get; init; } = [];

    public HashPolicy[] Hash { get; init; } = [];

    /// <summary>Most specific last when they overwrite: weighted cluster, route, virtual host, table, as the table says.</summary>
    public HeaderOperations[] RequestHeaders { get; init; } = [];

    public HeaderOperations[] ResponseHeaders { get; init; } = [];

    public string? DecoratorOperation { get; init; }

    public Envoy.Config.Core.V3.Metadata? Metadata { get; init; }

    /// <summary>What the route, its virtual host and its table say to filters.</summary>
    public RouteFilters Filters { get; init; } = RouteFilters.None;

    /// <summary>How its requests are described to rate limit services.</summary>
    public RateLimitPolicy RateLimits { get; init; } = RateLimitPolicy.None;

    /// <summary>The same of its virtual host.</summary>
    public RateLimitPolicy HostRateLimits { get; init; } = RateLimitPolicy.None;

    /// <summary>The virtual host's descriptors are sent beside its own.</summary>
    public bool IncludesHostRateLimits { get; init; }

    public bool IncludeAttemptCount { get; init; }

    public bool AllowWebSocket { get; init; }

    public bool AllowConnect { get; init; }

    /// <summary>Request bytes that are kept for a retry.</summary>
    public long RetryBufferLimit { get; init; } = 1 << 20;

    /// <summary>The cluster of one request.</summary>
    public string? ChooseCluster(HeaderMap request, Random random, out WeightedCluster? weighted)
    {
        weighted = null;
        if (Cluster is not null) return Cluster;
        if (ClusterHeader is not null) return request.TryGet(ClusterHeader, out var value) && !value.IsEmpty ? System.Text.Encoding.UTF8.GetString(value) : "";
        var point = random.Next(TotalWeight);
        foreach (var choice in Weighted)
        {
            if (point < choice.Weight)
            {
                weighted = choice;
                return choice.Cluster;
            }
            point -= choice.Weight;
        }
        return null;
    }
}
