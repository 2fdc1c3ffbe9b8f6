using Lateen.Proxy.Buffers;

namespace Lateen.Proxy.Http.Http2;

/// <summary>What the HTTP/2 connections of a worker share: room for header blocks, and streams that wait to be used again. Owned by one worker.</summary>
internal sealed class Http2Stock
{
    private const int MostKept = 1024;
    private readonly Stack<Http2ServerStream> _servers = new();
    private readonly Stack<Http2ClientStream> _clients = new();

    /// <summary>Room for decoded strings.</summary>
    public ByteBuilder Scratch { get; } = new();

    /// <summary>Room for the block that is being written.</summary>
    public ByteBuilder Block { get; } = new();

    public FieldReader Fields { get; } = new();

    /// <summary>Where fields go that nobody wants.</summary>
    public Headers.HeaderMap Discarded { get; } = new();

    public Http2ServerStream TakeServerStream(ProxyContext context, Workers.Worker worker) => _servers.TryPop(out var stream) ? stream : new Http2ServerStream(worker, context);

    public Http2ClientStream TakeClientStream() => _clients.TryPop(out var stream) ? stream : new Http2ClientStream();

    public void Return(Http2ClientStream stream)
    {
        if (_clients.Count < MostKept) _clients.Push(stream);
    }

    public void Return(Http2ServerStream stream)
    {
        if (_servers.Count < MostKept) _servers.Push(stream);
    }
}
