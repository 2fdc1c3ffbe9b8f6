using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;

namespace Lateen.Proxy.Http.Connections;

/// <summary>
/// The bodies of one exchange as its filters have made them. While no filter wants them there is nothing here, and the connections are
/// read directly. Reused; owned by one worker.
/// </summary>
internal sealed class MessageBodies(HttpExchange exchange)
{
    private UpstreamStream? _upstream;
    private ReadOnlyMemory<byte> _local;

    /// <summary>The request's body behind the filters; null when none of them wanted it: it is the client's own.</summary>
    public BodySource? Request { get; set; }

    /// <summary>The response's body behind the filters; null when none of them wanted it.</summary>
    public BodySource? Response { get; set; }

    /// <summary>A filter waits for the request's body.</summary>
    public bool IsHolding { get; set; }

    /// <summary>How the request's body is delimited when it goes on.</summary>
    public BodyKind RequestKind => Request is null ? exchange.Downstream.RequestBody : exchange.Request.Has(KnownHeader.ContentLength) ? BodyKind.Length : BodyKind.Chunked;

    /// <summary>How the response's body is delimited when the filters are done with it.</summary>
    /// <param name="own">How it came.</param>
    public BodyKind ResponseKind(BodyKind own) => Response is null || exchange.IsHead ? own
        : exchange.Response.Has(KnownHeader.ContentLength) ? BodyKind.Length
        : exchange.Downstream.IsHttp10 ? BodyKind.UntilClose : BodyKind.Chunked;

    /// <summary>The request's body so far, for a filter that puts its own before it.</summary>
    public BodySource RequestSource() => Request ?? new ClientBody(exchange);

    /// <summary>The response's body so far: the upstream's, or that of an answer from here.</summary>
    public BodySource ResponseSource() => Response ?? (_upstream is { } upstream ? new UpstreamBody(upstream) : new HeldBody(_local, null));

    /// <summary>The response whose head is there comes from an upstream.</summary>
    public void AnsweredBy(UpstreamStream upstream) => (_upstream, Response, _local) = (upstream, null, default);

    /// <summary>The response comes from here.</summary>
    public void AnsweredHere(ReadOnlyMemory<byte> body) => (_upstream, Response, _local) = (null, null, body);

    /// <summary>Ends the waits of whatever stands between the connections.</summary>
    public void Abort()
    {
        Request?.Abort();
        Response?.Abort();
    }

    public void Clear() => (Request, Response, _upstream, _local, IsHolding) = (null, null, null, default, false);
}
