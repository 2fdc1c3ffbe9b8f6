using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Http.Extensions;

/// <summary>
/// A filter whose configuration is discovered: a stream keeps the one that it began with. While there is none, requests are answered with 500,
/// as in Envoy. Immutable but for its slot.
/// </summary>
internal sealed class DiscoveredFilter(ExtensionSlot slot) : IHttpFilter
{
    private readonly string _state = "lateen.extension/" + slot.Name;

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        if (slot.Current is not { } filter) return RefuseAsync(exchange);
        exchange.Info.FilterState.Set(_state, filter);
        return filter.OnRequestAsync(exchange);
    }

    public ValueTask<FilterResult> OnResponseAsync(HttpExchange exchange) => Of(exchange)?.OnResponseAsync(exchange) ?? new ValueTask<FilterResult>(FilterResult.Continue);

    public void OnResponseTrailers(HttpExchange exchange) => Of(exchange)?.OnResponseTrailers(exchange);

    public void OnEnd(HttpExchange exchange) => Of(exchange)?.OnEnd(exchange);

    /// <summary>A stream that was answered before it came here sees the filter of now.</summary>
    private IHttpFilter? Of(HttpExchange exchange) => exchange.Info.FilterState.Find(_state) as IHttpFilter ?? slot.Current;

    private static async ValueTask<FilterResult> RefuseAsync(HttpExchange exchange)
    {
        exchange.Info.Flags |= ResponseFlags.NoFilterConfig;
        await exchange.ReplyAsync(EndReason.FilterReply, 500, codeDetails: "filter_config_not_found");
        return FilterResult.Stop;
    }
}
