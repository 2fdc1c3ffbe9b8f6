using System.Globalization;
using System.Text;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.Router;

/// <summary>
/// How long one request may take and how often it may be tried: the route's policy and what the request's own x-envoy headers
/// say on top of it. Reused; owned by one worker. Source: Envoy, FilterUtility::finalTimeout and RetryStateImpl.
/// </summary>
internal sealed class RetryPlan
{
    private static readonly RetryPolicy NoPolicy = new();
    private readonly List<HostState> _tried = [];
    private RetryPolicy _policy = NoPolicy;
    private RetryOn _on;
    private IReadOnlySet<int>? _moreStatusCodes;
    private byte[][]? _moreHeaders;
    private SubsetCriteria? _criteria;
    private ClusterState? _holdsRetryOf;
    private int _left, _backOffs;
    private ulong _failedPriorities, _newPriorities;
    private bool _high, _tellsGrpc;

    /// <summary>Of the whole request, in milliseconds; 0 for no limit.</summary>
    public long TimeoutMs { get; private set; }

    /// <summary>Of each attempt; 0 for no limit.</summary>
    public long PerTryTimeoutMs { get; private set; }

    /// <summary>Of silence of the upstream within an attempt; 0 for no limit.</summary>
    public long PerTryIdleMs { get; private set; }

    /// <summary>A body is worth keeping: there may be another attempt.</summary>
    public bool MayRetry => _on != RetryOn.None;

    /// <summary>Looks at the route and the request, and takes the headers out that were meant for the proxy.</summary>
    public void Begin(RouteEntry route, WeightedCluster? weighted, HeaderMap request)
    {
        _policy = route.Retry ?? NoPolicy;
        (_on, _left, _backOffs, _failedPriorities, _newPriorities) = (_policy.On, _policy.Retries, 0, 0, 0);
        (_moreStatusCodes, _moreHeaders) = (null, null);
        (_criteria, _high) = (weighted?.Criteria ?? route.Criteria, route.IsHighPriority);
        _tried.Clear();
        Overrides(request);
        if (_policy.RetriableRequestHeaders.Length > 0 && !AnyMatches(_policy.RetriableRequestHeaders, request)) _on = RetryOn.None;
        var grpc = TimeoutOfGrpc(route, request);
        _tellsGrpc = grpc is not null;
        TimeoutMs = Number(request, KnownHeader.EnvoyTimeoutMs) ?? grpc ?? route.TimeoutMs;
        PerTryTimeoutMs = Number(request, KnownHeader.EnvoyPerTryTimeoutMs) ?? _policy.PerTryTimeoutMs;
        // parity: an attempt that may take as long as all of them has no limit of its own.
        if (TimeoutMs > 0 && PerTryTimeoutMs >= TimeoutMs) PerTryTimeoutMs = 0;
        PerTryIdleMs = _policy.PerTryIdleTimeoutMs;
        request.Remove(KnownHeader.EnvoyTimeoutMs);
        request.Remove(KnownHeader.EnvoyPerTryTimeoutMs);
    }

    /// <summary>
    /// Tells the upstream how long an attempt may take: as long as an attempt may, and no longer than is left of the whole. A gRPC client's
    /// own header says the same when the route looks at it. Source: Envoy, FilterUtility::setTimeoutHeaders.
    /// </summary>
    /// <param name="request">The request's headers.</param>
    /// <param name="elapsedMs">Milliseconds since the whole request was there.</param>
    /// <param name="withEnvoyHeader">Say so in x-envoy-expected-rq-timeout-ms.</param>
    public void TellTimeout(HeaderMap request, long elapsedMs, bool withEnvoyHeader)
    {
        var expected = PerTryTimeoutMs > 0 ? PerTryTimeoutMs : TimeoutMs;
        if (expected <= 0) return;
        // 0 would be no limit: who is out of time gets a millisecond, and is cut off by the timer.
        if (TimeoutMs > 0) expected = Math.Max(1, Math.Min(expected, TimeoutMs - elapsedMs));
        Span<byte> digits = stackalloc byte[21];
        expected.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        if (withEnvoyHeader) request.Set(KnownHeader.EnvoyExpectedTimeout, digits[..written]);
        if (!_tellsGrpc) return;
        digits[written] = (byte)'m';
        request.Set(KnownHeader.GrpcTimeout, digits[..(written + 1)]);
    }

    /// <summary>What the choice of a host depends on.</summary>
    public LoadBalancerContext Context(ulong? hash, SocketAddress destination, ClusterState cluster)
    {
        if (_policy.PriorityUpdateFrequency > 0 && _tried.Count > 0 && _tried.Count % _policy.PriorityUpdateFrequency == 0) _failedPriorities |= _newPriorities;
        return new LoadBalancerContext(hash, destination, _policy.AvoidPreviousHosts && _tried.Count > 0 ? _tried : null)
        {
            // The first attempt takes what comes up.
            ExtraPicks = _tried.Count == 0 ? 0 : _policy.HostSelectionAttempts,
            Avoid = _tried.Count == 0 ? null : _policy.Avoid,
            Criteria = _criteria,
            Loads = _failedPriorities == 0 ? null : cluster.Hosts.LoadsWithout(_failedPriorities),
        };
    }

    /// <summary>A host was chosen for an attempt.</summary>
    public void Chose(HostState host)
    {
        _tried.Add(host);
        if (host.Priority < 64) _newPriorities |= 1UL << host.Priority;
    }

    /// <summary>Whether another attempt is made; counts why not, and takes one of the cluster's retries when it is.</summary>
    public bool TryAgain(EndReason outcome, HttpExchange exchange, UpstreamStream? connection, ClusterState cluster, Worker worker)
    {
        EndRetry();
        if (_on == RetryOn.None || !RetryDecision.IsRetriable(this, outcome, exchange, connection)) return false;
        if (_left == 0)
        {
            exchange.Info.Flags |= ResponseFlags.RetryLimitExceeded;
            cluster.Stats.Add(worker, ClusterStats.RqRetryLimitExceeded);
            return false;
        }
        _left--;
        if (!cluster.TryBegin(BreakerKind.Retries, _high))
        {
            exchange.Info.Flags |= ResponseFlags.UpstreamOverflow;
            cluster.Stats.Add(worker, ClusterStats.RqRetryOverflow);
            return false;
        }
        _holdsRetryOf = cluster;
        cluster.Stats.Add(worker, ClusterStats.RqRetry);
        return true;
    }

    /// <summary>Gives the cluster's retry back; each attempt after the first holds one.</summary>
    public void EndRetry()
    {
        _holdsRetryOf?.End(BreakerKind.Retries, _high);
        _holdsRetryOf = null;
    }

    /// <summary>Milliseconds until the next attempt: what a rate-limited answer asks for, else at random below a ceiling that doubles.</summary>
    public long BackOff(HeaderMap? response, ClusterState cluster, Worker worker)
    {
        if (response is not null && RateLimited(response, worker.UtcNow) is { } asked)
        {
            cluster.Stats.Add(worker, ClusterStats.RqRetryBackoffRateLimited);
            return asked + worker.Random.NextInt64(Math.Max(1, asked / 2));
        }
        cluster.Stats.Add(worker, ClusterStats.RqRetryBackoffExponential);
        var ceiling = Math.Min(_policy.BackOffMaxMs, _policy.BackOffBaseMs << Math.Min(_backOffs++, 20));
        return worker.Random.NextInt64(Math.Max(1, ceiling));
    }

    /// <summary>Whether any of these conditions is retried.</summary>
    public bool Has(RetryOn condition) => (_on & condition) != 0;

    public bool HasStatus(int status) => _policy.StatusCodes.Contains(status) || _moreStatusCodes?.Contains(status) == true;

    public bool HasHeader(HeaderMap response)
    {
        if (AnyMatches(_policy.RetriableHeaders, response)) return true;
        foreach (var name in _moreHeaders ?? [])
            if (response.Find(name, 0) >= 0)
                return true;
        return false;
    }

    // A loop: what a lambda captures is allocated for every request, retried or not.
    private static bool AnyMatches(HeaderMatch[] matches, HeaderMap headers)
    {
        foreach (var match in matches)
            if (match.IsMatch(headers))
                return true;
        return false;
    }

    private void Overrides(HeaderMap request)
    {
        if (request.TryGet(KnownHeader.EnvoyRetryOn, out var on)) _on |= RetryConditions.Parse(Encoding.ASCII.GetString(on));
        if (request.TryGet(KnownHeader.EnvoyRetryGrpcOn, out var grpc)) _on |= RetryConditions.Parse(Encoding.ASCII.GetString(grpc));
        if (_on != RetryOn.None && Number(request, KnownHeader.EnvoyMaxRetries) is { } most) _left = (int)Math.Min(most, int.MaxValue);
        if (request.TryGet(KnownHeader.EnvoyRetriableStatusCodes, out var codes))
            _moreStatusCodes = Encoding.ASCII.GetString(codes).Split(',').Select(code => int.TryParse(code.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : 0).ToHashSet();
        if (request.TryGet(KnownHeader.EnvoyRetriableHeaderNames, out var names))
            _moreHeaders = [.. Encoding.ASCII.GetString(names).ToLowerInvariant().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Encoding.ASCII.GetBytes)];
        request.Remove(KnownHeader.EnvoyRetryOn);
        request.Remove(KnownHeader.EnvoyRetryGrpcOn);
        request.Remove(KnownHeader.EnvoyMaxRetries);
        request.Remove(KnownHeader.EnvoyRetriableStatusCodes);
        request.Remove(KnownHeader.EnvoyRetriableHeaderNames);
    }

    private long? RateLimited(HeaderMap response, DateTime utcNow)
    {
        if (_policy.RateLimitHeaders.Length == 0) return null;
        foreach (var (name, isTime) in _policy.RateLimitHeaders)
        {
            if (!response.TryGet(name, out var text) || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) continue;
            if (isTime) seconds -= new DateTimeOffset(utcNow).ToUnixTimeSeconds();
            if (seconds > 0 && seconds * 1000 <= _policy.RateLimitMaxMs) return seconds * 1000;
        }
        return null;
    }

    private static long? Number(HeaderMap request, KnownHeader header) =>
        request.TryGet(header, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The time that a gRPC client allows itself, at most what the route allows; null when it does not count.</summary>
    private static long? TimeoutOfGrpc(RouteEntry route, HeaderMap request)
    {
        if (route.GrpcRouteTimeoutMaxMs is not { } most || !request[KnownHeader.ContentType].StartsWith("application/grpc"u8)) return null;
        var asked = request.TryGet(KnownHeader.GrpcTimeout, out var text) ? GrpcTimeout.Parse(text) : null;
        var timeout = asked ?? 0;
        return most > 0 && (timeout == 0 || timeout > most) ? most : timeout;
    }
}
