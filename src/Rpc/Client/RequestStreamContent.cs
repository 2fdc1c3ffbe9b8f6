using System.Net;
using System.Net.Http.Headers;
using Lateen.Rpc.Framing;

namespace Lateen.Rpc.Client;

/// <summary>
/// A request body that stays open: hands its stream to the call and ends when the call says so.
/// </summary>
internal sealed class RequestStreamContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public RequestStreamContent() => Headers.ContentType = new MediaTypeHeaderValue(WireText.ContentType);

    /// <summary>The stream to write to, once the request is on its way.</summary>
    public Task<Stream> Opened => _opened.Task;

    public void Complete() => _completed.TrySetResult();

    /// <summary>The request failed or ended: nobody waits for the stream any more.</summary>
    public void Fail(Exception error)
    {
        _opened.TrySetException(error);
        _ = _opened.Task.Exception;
        _completed.TrySetResult();
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // An empty flush sends the headers before the first message.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        _opened.TrySetResult(stream);
        await _completed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
