using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Http;

/// <summary>Whether a filter lets a request go on.</summary>
internal enum FilterResult
{
    Continue,

    /// <summary>The filter has answered, or the stream is over.</summary>
    Stop,
}

/// <summary>
/// One step between a request and its route's action. One object serves all streams of a listener on all workers: what
/// belongs to a stream lives in the exchange. Never blocks; what takes time is awaited on the worker's own awaitables. One that wants
/// bodies puts a <see cref="Bodies.BodySource"/> into the exchange while it looks at the head.
/// </summary>
internal interface IHttpFilter
{
    /// <summary>The request's head is there, its route is chosen.</summary>
    ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange);

    /// <summary>The response's head is about to go out.</summary>
    void OnResponse(HttpExchange exchange)
    {
    }

    /// <summary>
    /// The same for a filter that has to wait before the head goes out, or answers in place of the upstream.
    /// </summary>
    ValueTask<FilterResult> OnResponseAsync(HttpExchange exchange)
    {
        OnResponse(exchange);
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    /// <summary>The response's trailers are about to go out; called only when there are any.</summary>
    void OnResponseTrailers(HttpExchange exchange)
    {
    }

    /// <summary>The stream is over, however it ended; before it is logged.</summary>
    void OnEnd(HttpExchange exchange)
    {
    }
}
