using System.Text;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>
/// Asks an HTTP service about each request, and lets through what it answers with 200. Immutable. Source: Envoy's external authorization
/// filter, its HTTP service.
/// </summary>
internal sealed class ExtAuthzFilter(string name, ExtAuthzSettings settings) : IHttpFilter
{
    private const string Namespace = "envoy.filters.http.ext_authz";

    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var (worker, request, stats) = (exchange.Worker, exchange.Request, settings.Stats);
        if (exchange.RouteConfig<ExtAuthzRoute>(name) is { IsDisabled: true } || settings.EnabledPercent < 100 && worker.Random.NextDouble() * 100 >= settings.EnabledPercent)
        {
            stats.Add(worker, ExtAuthzStats.Disabled);
            return FilterResult.Continue;
        }
        var reply = await ClusterCall.SendAsync(exchange.Context, worker, settings.Cluster, Check(request), default, settings.TimeoutMs);
        if (exchange.Cut != EndReason.None)
        {
            await exchange.ReplyAsync(exchange.Cut);
            return FilterResult.Stop;
        }
        if (reply.Status != CallStatus.Ok || reply.Code >= 500) return await FailAsync(exchange);
        if (reply.Code != 200) return await DenyAsync(exchange, reply);
        stats.Add(worker, ExtAuthzStats.Ok);
        Accept(exchange, reply.Headers);
        return FilterResult.Continue;
    }

    public void OnResponse(HttpExchange exchange)
    {
        if (exchange.ResponseAdditions is not { } more) return;
        for (var place = 0; place < more.Places; place++)
            if (more.TryAt(place, out _, out var header, out var value))
                exchange.Response.Set(header, value);
    }

    /// <summary>The question: the request's method, host and path, and those of its headers that may be told.</summary>
    private HeaderMap Check(HeaderMap request)
    {
        var check = new HeaderMap();
        check.Add(KnownHeader.Method, request[KnownHeader.Method]);
        check.Add(KnownHeader.Path, [.. settings.PathPrefix, .. request[KnownHeader.Path]]);
        check.Add(KnownHeader.Authority, request[KnownHeader.Authority]);
        check.Add(KnownHeader.Scheme, "http"u8);
        for (var place = 0; place < request.Places; place++)
            if (request.TryAt(place, out var known, out var header, out var value) && header[0] != ':' && known is not (KnownHeader.ContentLength or KnownHeader.TransferEncoding) && !HttpText.IsHop(known)
                && (known == KnownHeader.Authorization || settings.AllowedHeaders.IsMatch(header)) && !settings.DisallowedHeaders.IsMatch(header))
                check.Add(header, value);
        check.Add(KnownHeader.ContentLength, "0"u8);
        foreach (var (header, value) in settings.HeadersToAdd) check.Set(header, value);
        return check;
    }

    private void Accept(HttpExchange exchange, HeaderMap answer)
    {
        var changed = false;
        for (var place = 0; place < answer.Places; place++)
        {
            if (!answer.TryAt(place, out _, out var header, out var value) || header[0] == ':') continue;
            if (settings.UpstreamHeaders.IsMatch(header))
            {
                exchange.Request.Set(header, value);
                changed = true;
            }
            else if (settings.UpstreamHeadersToAppend.IsMatch(header))
            {
                exchange.Request.Add(header, value);
                changed = true;
            }
            if (settings.ClientHeadersOnSuccess.IsMatch(header)) (exchange.ResponseAdditions ??= new HeaderMap()).Add(header, value);
            if (settings.MetadataHeaders.IsMatch(header)) exchange.Info.Metadata.Set(Namespace, Encoding.ASCII.GetString(header), Value.ForString(Encoding.UTF8.GetString(value)));
        }
        if (answer.TryGet("x-envoy-auth-headers-to-remove"u8, out var list))
            foreach (var one in Encoding.ASCII.GetString(list).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                if (one[0] != ':' && !one.Equals("host", StringComparison.OrdinalIgnoreCase))
                    changed |= exchange.Request.Remove(Encoding.ASCII.GetBytes(one.ToLowerInvariant()));
        if (changed && settings.ClearRouteCache) exchange.ChooseRoute();
    }

    private async ValueTask<FilterResult> FailAsync(HttpExchange exchange)
    {
        settings.Stats.Add(exchange.Worker, ExtAuthzStats.Error);
        if (settings.FailureModeAllow)
        {
            settings.Stats.Add(exchange.Worker, ExtAuthzStats.FailureModeAllowed);
            if (settings.FailureModeAllowHeader) exchange.Request.Set("x-envoy-auth-failure-mode-allowed"u8, "true"u8);
            return FilterResult.Continue;
        }
        await exchange.ReplyAsync(EndReason.Unauthorized, settings.StatusOnError, codeDetails: "ext_authz_error");
        return FilterResult.Stop;
    }

    private async ValueTask<FilterResult> DenyAsync(HttpExchange exchange, ClusterReply reply)
    {
        settings.Stats.Add(exchange.Worker, ExtAuthzStats.Denied);
        var response = exchange.Response;
        response.Clear();
        for (var place = 0; place < reply.Headers.Places; place++)
            if (reply.Headers.TryAt(place, out var known, out var header, out var value) && header[0] != ':' && !HttpText.IsHop(known) && known is not (KnownHeader.ContentLength or KnownHeader.Date or KnownHeader.Server)
                && (settings.ClientHeaders is not { } allowed || allowed.IsMatch(header) || known == KnownHeader.Location || header.SequenceEqual("www-authenticate"u8)))
                response.Add(header, value);
        await exchange.ReplyAsync(EndReason.Unauthorized, reply.Code, reply.Body, keepHeaders: true, codeDetails: "ext_authz_denied");
        return FilterResult.Stop;
    }
}

/// <summary>What a route says to the filter. Immutable.</summary>
internal sealed record ExtAuthzRoute(bool IsDisabled)
{
    public static ExtAuthzRoute Compile(ExtAuthzPerRoute config, string path)
    {
        if (config.OverrideCase == ExtAuthzPerRoute.OverrideOneofCase.None) throw new Compile.ConfigRefusedException(path, "has no override");
        if (config.OverrideCase == ExtAuthzPerRoute.OverrideOneofCase.Disabled)
            return config.Disabled ? new ExtAuthzRoute(true) : throw new Compile.ConfigRefusedException(path + ".disabled", "may only be true");
        var settings = config.CheckSettings;
        if (settings.ServiceOverrideCase != CheckSettings.ServiceOverrideOneofCase.None) throw new Compile.ConfigRefusedException(path + ".check_settings.service_override", "is not supported");
        if (settings.WithRequestBody is not null) throw new Compile.ConfigRefusedException(path + ".check_settings.with_request_body", "is not supported");
        if (settings.ContextExtensions.Count > 0) throw new Compile.ConfigRefusedException(path + ".check_settings.context_extensions", "are for gRPC services, which are not supported");
        return new ExtAuthzRoute(false);
    }
}

/// <summary>Statistics of the filter. Source: Envoy's "External Authorization", statistics.</summary>
internal sealed class ExtAuthzStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Ok = 0, Denied = 1, Error = 2, Disabled = 3, FailureModeAllowed = 4;

    private static readonly StatField[] All = [new("ok"), new("denied"), new("error"), new("disabled"), new("failure_mode_allowed")];

    public static ExtAuthzStats Create(string prefix, int workers) => new(prefix, workers);
}
