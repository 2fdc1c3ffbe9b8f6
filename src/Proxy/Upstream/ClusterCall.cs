using System.Globalization;
using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
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
/// A request that the proxy makes for itself and whose whole answer it wants: a filter asks an authorisation server, keys are fetched. It
/// runs on the worker's own pools, by the protocol and the transport of the cluster, under its breakers and statistics. Owned by one worker.
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
        var status = CallRun.TryBegin(context, worker, cluster, timeoutMs, out var run);
        if (run is null) return End(status);
        var reply = End(CallStatus.Failed);
        try
        {
            reply = await RunAsync(run, request, body);
        }
        finally
        {
            run.Finish(reply.Status == CallStatus.Ok);
        }
        return run.TimedOut ? End(CallStatus.TimedOut) : reply;
    }

    private static async ValueTask<ClusterReply> RunAsync(CallRun run, HeaderMap request, ReadOnlyMemory<byte> body)
    {
        if (await run.ConnectAsync() is not { } stream) return End(CallStatus.Failed);
        // Servers refuse a scheme that is not that of the connection (RFC 9113 section 8.3.1).
        request.Set(KnownHeader.Scheme, stream.Tls is null ? "http"u8 : "https"u8);
        if (!body.IsEmpty) request.Set(KnownHeader.ContentLength, Encoding.ASCII.GetBytes(body.Length.ToString(CultureInfo.InvariantCulture)));
        stream.BeginRequest(request, body.IsEmpty ? BodyKind.None : BodyKind.Length, upgrade: false);
        return await stream.SendAsync(body) && await stream.EndAsync(null) ? await ReadAsync(run, stream) : End(CallStatus.Failed);
    }

    private static async ValueTask<ClusterReply> ReadAsync(CallRun run, UpstreamStream stream)
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
        run.Answered(code);
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
}
