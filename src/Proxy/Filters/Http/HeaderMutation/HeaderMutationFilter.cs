using Envoy.Extensions.Filters.Http.HeaderMutation.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Filters.Http.HeaderMutation;

/// <summary>
/// Changes headers, query parameters and trailers, first as its own settings say, then as the route and what is around it do. Immutable.
/// Source: Envoy's header mutation filter.
/// </summary>
internal sealed class HeaderMutationFilter(string name, Changes own, bool mostSpecificWins) : IHttpFilter
{
    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        foreach (var changes in All(exchange))
        {
            foreach (var change in changes.Request) change.Apply(exchange.Request, exchange);
            foreach (var change in changes.Query) exchange.Request.Set(KnownHeader.Path, change.Apply(exchange.Request[KnownHeader.Path], exchange));
        }
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
        foreach (var changes in All(exchange))
            foreach (var change in changes.Response)
                change.Apply(exchange.Response, exchange);
    }

    public void OnResponseTrailers(HttpExchange exchange)
    {
        if (exchange.ResponseTrailers is not { } trailers) return;
        foreach (var changes in All(exchange))
            foreach (var change in changes.ResponseTrailers)
                change.Apply(trailers, exchange);
    }

    /// <summary>In the order in which they are made: the later overwrites the earlier.</summary>
    private IEnumerable<Changes> All(HttpExchange exchange)
    {
        yield return own;
        var levels = new List<Changes>();
        for (var config = exchange.RouteConfig(name); config is not null; config = config.Wider)
            if (config.Config is Changes changes)
                levels.Add(changes);
        if (mostSpecificWins) levels.Reverse();
        foreach (var level in levels) yield return level;
    }
}

/// <summary>Changes that a filter or a route asks for. Immutable.</summary>
internal sealed record Changes(HeaderMutationStep[] Request, QueryMutationStep[] Query, HeaderMutationStep[] Response, HeaderMutationStep[] ResponseTrailers)
{
    public static Changes Compile(Mutations? config, string path)
    {
        if (config is null) return new Changes([], [], [], []);
        if (config.RequestTrailersMutations.Count > 0) throw new ConfigRefusedException(path + ".request_trailers_mutations", "are not supported");
        for (var i = 0; i < config.Formatters.Count; i++)
            // Envoy's operators of this extension are among ours always.
            if (config.Formatters[i].TypedConfig?.TypeUrl.Split('/')[^1] is not "envoy.extensions.formatter.cel.v3.Cel")
                throw new ConfigRefusedException($"{path}.formatters[{i}]", $"{config.Formatters[i].Name} is not supported");
        return new Changes(
            [.. config.RequestMutations.Select((step, i) => new HeaderMutationStep(step, $"{path}.request_mutations[{i}]"))],
            [.. config.QueryParameterMutations.Select((step, i) => new QueryMutationStep(step, $"{path}.query_parameter_mutations[{i}]"))],
            [.. config.ResponseMutations.Select((step, i) => new HeaderMutationStep(step, $"{path}.response_mutations[{i}]"))],
            [.. config.ResponseTrailersMutations.Select((step, i) => new HeaderMutationStep(step, $"{path}.response_trailers_mutations[{i}]"))]);
    }
}
