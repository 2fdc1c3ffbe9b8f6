using System.Threading.Channels;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// Runs one stream: requests as they come and pushes as they are due, one after the other, so that a proxy's state has one
/// writer. A client that sends faster than it is served is held back by its own transport.
/// </summary>
internal static class StreamLoop
{
    private const int MostWaitingRequests = 16;

    /// <param name="requests">The client's requests.</param>
    /// <param name="connection">The proxy, once its first request has named it.</param>
    /// <param name="onRequest">Serves one request.</param>
    /// <param name="onPush">Serves the push that waits.</param>
    /// <param name="cancel">Ends the stream.</param>
    public static async Task RunAsync<T>(
        IAsyncEnumerable<T> requests, Func<ProxyConnection?> connection, Func<T, Task> onRequest, Func<Push.PushRequest, Task> onPush, CancellationToken cancel)
    {
        var inbox = Channel.CreateBounded<T>(MostWaitingRequests);
        var reading = ReadAsync(requests, inbox.Writer, cancel);
        Task<bool>? nextRequest = null;
        Task<bool>? nextPush = null;
        while (true)
        {
            nextRequest ??= inbox.Reader.WaitToReadAsync(cancel).AsTask();
            var proxy = connection();
            if (proxy != null) nextPush ??= proxy.Woken.WaitToReadAsync(cancel).AsTask();
            var next = await (nextPush == null ? nextRequest : Task.WhenAny(nextRequest, nextPush).Unwrap()).ConfigureAwait(false);
            if (nextRequest.IsCompleted)
            {
                if (!await nextRequest.ConfigureAwait(false)) break;
                nextRequest = null;
                while (inbox.Reader.TryRead(out var request)) await onRequest(request).ConfigureAwait(false);
            }
            if (nextPush is { IsCompleted: true } && next)
            {
                nextPush = null;
                proxy!.Woken.TryRead(out _);
                if (proxy.TakePush() is { } push) await onPush(push).ConfigureAwait(false);
            }
        }
        await reading.ConfigureAwait(false);
    }

    private static async Task ReadAsync<T>(IAsyncEnumerable<T> requests, ChannelWriter<T> inbox, CancellationToken cancel)
    {
        try
        {
            await foreach (var request in requests.WithCancellation(cancel).ConfigureAwait(false)) await inbox.WriteAsync(request, cancel).ConfigureAwait(false);
            inbox.Complete();
        }
        catch (Exception e)
        {
            inbox.Complete(e);
        }
    }
}
