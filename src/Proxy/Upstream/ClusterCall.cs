using System.Globalization;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Balancers;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Upstream.Pools;
using Lateen.Proxy.Workers;

namespace Lateen.Proxy.Upstream;

/// <summary>How a call ended.</summary>
internal enum CallStatus
{
    /// <summary>There is an answer, whatever its code.</summary>
    Ok,
    NoCluster,
    NoHost,
    Overflow,
    Failed,
    TimedOut,
    TooLarge,
}

/// <summary>The answer to a call; code, headers and body only when <see cref="Status"/> is Ok.</summary>
internal sealed record ClusterReply(CallStatus Status, int Code, HeaderMap Headers, byte[] Body);

/// <summary>
/// A request that the proxy makes for itself: a filter asks an authorisation server, keys are fetched. It runs on the worker's own pools,
/// under the cluster's breakers and statistics. Owned by one worker.
/// </summary>
internal static class ClusterCall
{
    private const int LargestBody = 4 << 20;

    /// <summary>
    /// Sends a request, whose pseudo-headers :method, :path and :authority are among its headers, and reads the whole answer. The timeout, 0 for
    /// none, is for all of it.
    /// </summary>
    public static async ValueTask<ClusterReply> SendAsync(ProxyContext context, Worker worker, string cluster, HeaderMap request, ReadOnlyMemory<byte> body, long timeoutMs)
    {
        if (context.Clusters.Current.Find(cluster) is not { } target) return End(CallStatus.NoCluster);
        if (target.Pick(worker, new LoadBalancerContext(null, default, null)) is not { } host) return End(CallStatus.NoHost);
        if (!target.TryBegin(BreakerKind.Requests))
        {
            target.Stats.Add(worker, ClusterStats.RqPendingOverflow);
            return End(CallStatus.Overflow);
        }
        target.Stats.Add(worker, ClusterStats.RqTotal);
        target.Stats.Add(worker, ClusterStats.RqActive);
        host.Began();
        var attempt = new Attempt();
        if (timeoutMs > 0) worker.StartTimer(attempt, timeoutMs);
        var start = worker.Now;
        try
        {
            var reply = await RunAsync(host.PoolOf(worker, target), attempt, request, body);
            if (reply.Status == CallStatus.Ok)
            {
                target.Stats.Add(worker, ClusterStats.ClassOf(reply.Code));
                target.Stats.Add(worker, ClusterStats.RqCompleted);
                target.Stats.Observe(worker, ClusterStats.RqTime, worker.Now - start);
            }
            if (!attempt.TimedOut) return reply;
            target.Stats.Add(worker, ClusterStats.RqTimeout);
            return End(CallStatus.TimedOut);
        }
        finally
        {
            worker.StopTimer(attempt);
            host.Ended();
            target.End(BreakerKind.Requests);
            target.Stats.Add(worker, ClusterStats.RqActive, -1);
        }
    }

    private static async ValueTask<ClusterReply> RunAsync(HttpPool pool, Attempt attempt, HeaderMap request, ReadOnlyMemory<byte> body)
    {
        var stream = pool.TryTakeIdle() ?? (await pool.ConnectAsync(attempt.Connecting)).Connection;
        if (stream is null) return End(CallStatus.Failed);
        attempt.Stream = stream;
        if (!body.IsEmpty) request.Set(KnownHeader.ContentLength, System.Text.Encoding.ASCII.GetBytes(body.Length.ToString(CultureInfo.InvariantCulture)));
        stream.BeginRequest(request, body.IsEmpty ? BodyKind.None : BodyKind.Length, upgrade: false);
        var reply = await stream.SendAsync(body) && await stream.EndAsync(null) ? await ReadAsync(stream) : End(CallStatus.Failed);
        attempt.Stream = null;
        if (reply.Status == CallStatus.Ok && !attempt.TimedOut) stream.Release(requestComplete: true);
        else stream.Close();
        return reply;
    }

    private static async ValueTask<ClusterReply> ReadAsync(UpstreamStream stream)
    {
        var headers = new HeaderMap();
        int code;
        do
        {
            ReadStatus read;
            (read, code, _) = await stream.ReadHeadAsync(headers, answersHead: false, upgrade: false);
            if (read != ReadStatus.Ok) return End(CallStatus.Failed);
        }
        while (code < 200);
        using var body = new MemoryStream();
        while (true)
        {
            var (status, data) = await stream.ReadBodyAsync();
            if (status == ReadStatus.End) return new ClusterReply(CallStatus.Ok, code, headers, body.ToArray());
            if (status != ReadStatus.Ok) return End(CallStatus.Failed);
            if (body.Length + data.Length > LargestBody) return End(CallStatus.TooLarge);
            body.Write(data.Span);
            stream.Advance();
        }
    }

    private static ClusterReply End(CallStatus status) => new(status, 0, new HeaderMap(), []);

    private sealed class Attempt : WorkerTimer
    {
        public ConnectAttempt Connecting { get; } = new();

        public UpstreamStream? Stream { get; set; }

        public bool TimedOut { get; private set; }

        protected internal override void OnFired()
        {
            TimedOut = true;
            Connecting.Abort();
            Stream?.Abort();
        }
    }
}
