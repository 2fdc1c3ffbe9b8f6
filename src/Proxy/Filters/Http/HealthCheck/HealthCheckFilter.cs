using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Routing;
using HealthCheckConfig = Envoy.Extensions.Filters.Http.HealthCheck.V3.HealthCheck;

namespace Lateen.Proxy.Filters.Http.HealthCheck;

/// <summary>Answers health checks itself: 200, and 503 while the proxy drains. Immutable. Source: Envoy's health check filter, without pass-through.</summary>
internal sealed class HealthCheckFilter : IHttpFilter
{
    private readonly HeaderMatch[] _headers;
    private readonly bool _passThrough;

    public HealthCheckFilter(HealthCheckConfig config, string path)
    {
        if (config.PassThroughMode is null) throw new ConfigRefusedException(path + ".pass_through_mode", "is missing");
        if (config.CacheTime is not null) throw new ConfigRefusedException(path + ".cache_time", "is not supported");
        if (config.ClusterMinHealthyPercentages.Count > 0) throw new ConfigRefusedException(path + ".cluster_min_healthy_percentages", "are not supported");
        _passThrough = config.PassThroughMode.Value;
        _headers = [.. config.Headers.Select((header, i) => new HeaderMatch(header, $"{path}.headers[{i}]"))];
    }

    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        foreach (var header in _headers)
            if (!header.IsMatch(exchange.Request))
                return FilterResult.Continue;
        exchange.Info.IsHealthCheck = true;
        if (exchange.Context.Draining)
        {
            await exchange.ReplyAsync(EndReason.FilterReply, 503, codeDetails: "health_check_failed");
            return FilterResult.Stop;
        }
        if (_passThrough) return FilterResult.Continue;
        await exchange.ReplyAsync(EndReason.FilterReply, 200, codeDetails: "health_check_ok");
        return FilterResult.Stop;
    }

    public void OnResponse(HttpExchange exchange)
    {
    }
}
