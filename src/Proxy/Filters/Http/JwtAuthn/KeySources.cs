using System.Text;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Upstream;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>Where the keys of an issuer come from. Any thread.</summary>
internal interface IKeySource
{
    /// <summary>The keys; null when they cannot be had.</summary>
    ValueTask<JsonWebKeys?> GetAsync(ProxyContext context, Worker worker);
}

/// <summary>Keys of the configuration. Immutable.</summary>
internal sealed class LocalKeys(JsonWebKeys keys) : IKeySource
{
    public ValueTask<JsonWebKeys?> GetAsync(ProxyContext context, Worker worker) => new(keys);
}

/// <summary>
/// Keys that are fetched from a cluster when they are first needed and when they have grown old. A worker fetches once for all requests
/// that wait for them; when a fetch fails, keys that were had before serve on until the next try. Any thread.
/// differs: async_fetch fetches at the first request too, and not when the listener starts.
/// </summary>
internal sealed class RemoteKeys : IKeySource
{
    private const long DefaultCacheMs = 600_000, DefaultRetryMs = 1000, DefaultTimeoutMs = 5000, DefaultBackOffMs = 1000;
    private readonly string _cluster;
    private readonly string _host;
    private readonly string _path;
    private readonly long _timeoutMs;
    private readonly long _cacheMs;
    private readonly long _retryMs;
    private readonly (int Retries, long BaseMs, long MaxMs) _again;
    private readonly JwtStats _stats;
    private readonly Dictionary<int, Fetch> _running = [];
    private volatile Fetched? _last;

    public RemoteKeys(RemoteJwks config, string path, JwtStats stats)
    {
        if (config.HttpUri is not { } uri || uri.Cluster.Length == 0) throw new ConfigRefusedException(path + ".http_uri", "names no cluster");
        if (!Uri.TryCreate(uri.Uri, UriKind.Absolute, out var parsed)) throw new ConfigRefusedException(path + ".http_uri.uri", $"'{uri.Uri}' is not an absolute URI");
        (_cluster, _host, _path, _stats) = (uri.Cluster, parsed.Authority, parsed.PathAndQuery, stats);
        _timeoutMs = Durations.Ms(uri.Timeout) ?? DefaultTimeoutMs;
        _cacheMs = Durations.Ms(config.CacheDuration) ?? DefaultCacheMs;
        // As Envoy's: one retry when a policy is there, more only when it says so.
        if (config.RetryPolicy is { } policy)
        {
            var baseMs = Durations.Ms(policy.RetryBackOff?.BaseInterval) ?? DefaultBackOffMs;
            _again = ((int)Math.Min(policy.NumRetries ?? 1, 100), baseMs, Math.Max(baseMs, Durations.Ms(policy.RetryBackOff?.MaxInterval) ?? 10 * baseMs));
        }
        _retryMs = Durations.Ms(config.AsyncFetch?.FailedRefetchDuration) ?? DefaultRetryMs;
    }

    public async ValueTask<JsonWebKeys?> GetAsync(ProxyContext context, Worker worker)
    {
        if (_last is { } last && worker.Now < last.GoodUntil) return last.Keys;
        Fetch fetch;
        var isMine = false;
        lock (_running)
            if (!_running.TryGetValue(worker.Index, out fetch!))
            {
                _running[worker.Index] = fetch = new Fetch();
                isMine = true;
            }
        if (!isMine)
        {
            await fetch.WaitAsync(worker, _timeoutMs);
            return _last?.Keys;
        }
        var keys = await FetchAsync(context, worker);
        for (var (left, pause) = (_again.Retries, _again.BaseMs); keys is null && left > 0; (left, pause) = (left - 1, Math.Min(pause * 2, _again.MaxMs)))
        {
            await new Delay().WaitAsync(worker, worker.Random.NextInt64(pause) + 1);
            keys = await FetchAsync(context, worker);
        }
        _stats.Add(worker, keys is null ? JwtStats.FetchFailed : JwtStats.FetchSuccess);
        // Without any keys the next request tries again, as in Envoy.
        _last = keys is not null ? new Fetched(keys, worker.Now + _cacheMs) : _last is { } old ? old with { GoodUntil = worker.Now + _retryMs } : null;
        lock (_running) _running.Remove(worker.Index);
        fetch.Complete(worker);
        return _last?.Keys;
    }

    private async ValueTask<JsonWebKeys?> FetchAsync(ProxyContext context, Worker worker)
    {
        var request = new HeaderMap();
        request.Add(KnownHeader.Method, "GET"u8);
        request.Add(KnownHeader.Path, Encoding.ASCII.GetBytes(_path));
        request.Add(KnownHeader.Authority, Encoding.ASCII.GetBytes(_host));
        request.Add(KnownHeader.Scheme, "http"u8);
        var reply = await ClusterCall.SendAsync(context, worker, _cluster, request, default, _timeoutMs);
        return reply is { Status: CallStatus.Ok, Code: 200 } ? JsonWebKeys.Parse(reply.Body) : null;
    }

    private sealed record Fetched(JsonWebKeys Keys, long GoodUntil);

    /// <summary>A fetch that runs, and who waits for it. Owned by one worker.</summary>
    private sealed class Fetch
    {
        private readonly List<Delay> _waiting = [];

        public ValueTask WaitAsync(Worker worker, long atMostMs)
        {
            var delay = new Delay();
            _waiting.Add(delay);
            return delay.WaitAsync(worker, atMostMs);
        }

        public void Complete(Worker worker)
        {
            foreach (var delay in _waiting) delay.Cancel(worker);
        }
    }
}
