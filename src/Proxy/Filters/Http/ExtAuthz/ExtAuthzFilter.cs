using Lateen.Proxy.Filters.Http.Bodies;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>Asks a service about each request, and lets through what it allows. Immutable. Source: Envoy's external authorization filter.</summary>
internal sealed class ExtAuthzFilter(string name, ExtAuthzSettings settings) : IHttpFilter
{
    private const string Namespace = "envoy.filters.http.ext_authz";

    /// <summary>1. Whether it is asked; 2. the body; 3. the question; 4. what the answer does.</summary>
    public async ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        // 1
        var (worker, stats) = (exchange.Worker, settings.Stats);
        var route = exchange.RouteConfig<ExtAuthzRoute>(name);
        if (route is { IsDisabled: true } || !IsEnabled(exchange))
        {
            stats.Add(worker, ExtAuthzStats.Disabled);
            if (route is { IsDisabled: true } || !settings.DenyAtDisable) return FilterResult.Continue;
            await exchange.ReplyAsync(EndReason.Unauthorized, settings.StatusOnError, codeDetails: "ext_authz_error");
            return FilterResult.Stop;
        }

        // 2
        var wanted = route is { NoBody: true } ? null : route?.Body ?? settings.Body;
        var body = (Status: HoldStatus.Whole, Bytes: ReadOnlyMemory<byte>.Empty);
        if (exchange.IsUpgrade || exchange.Bodies.RequestKind == BodyKind.None) wanted = null;
        if (wanted is not null)
        {
            body = await BodyHold.RequestAsync(exchange, wanted.MostBytes, wanted.PartWillDo);
            if (body.Status == HoldStatus.TooLarge)
            {
                await exchange.ReplyAsync(EndReason.PayloadTooLarge);
                return FilterResult.Stop;
            }
            // parity: a body of just the size that is sent along counts as whole.
            body.Status = body.Bytes.Length > wanted.MostBytes ? HoldStatus.Part : HoldStatus.Whole;
            if (body.Status == HoldStatus.Part) body.Bytes = body.Bytes[..(int)wanted.MostBytes];
        }

        // 3
        var answer = AuthAnswer.Failed;
        if (exchange.Cut == EndReason.None)
            answer = await (route?.Service ?? settings.Service).AskAsync(exchange, new AuthQuestion(body.Bytes, wanted is not null, body.Status == HoldStatus.Part, wanted is { AsBytes: true }, ExtAuthzRoute.Extensions(exchange.RouteConfig(name))));
        if (exchange.Cut != EndReason.None)
        {
            await exchange.ReplyAsync(exchange.Cut);
            return FilterResult.Stop;
        }

        // 4
        if (answer.Metadata is { } metadata && settings.TakesMetadata) exchange.Info.Metadata.Merge(Namespace, metadata);
        switch (answer.Verdict)
        {
            case AuthVerdict.Allow when TryAccept(exchange, answer):
                stats.Add(worker, ExtAuthzStats.Ok);
                OfCluster(exchange)?.Add(worker, ExtAuthzStats.Ok);
                return FilterResult.Continue;
            case AuthVerdict.Allow:
                stats.Add(worker, ExtAuthzStats.Invalid);
                await exchange.ReplyAsync(EndReason.Unauthorized, 500, codeDetails: "ext_authz_invalid");
                return FilterResult.Stop;
            case AuthVerdict.Deny:
                stats.Add(worker, ExtAuthzStats.Denied);
                OfCluster(exchange)?.Add(worker, ExtAuthzStats.Denied);
                var status = answer.Status > 0 ? answer.Status : 403;
                if (settings.ChargesCluster && exchange.ClusterName is { } target && exchange.Context.Clusters.Current.Find(target) is { } cluster) cluster.Stats.Add(worker, ClusterStats.ClassOf(status));
                await RefuseAsync(exchange, answer, status, "ext_authz_denied");
                return FilterResult.Stop;
            default:
                return await FailAsync(exchange, answer);
        }
    }

    public void OnResponse(HttpExchange exchange) => exchange.ApplyResponseChanges();

    private bool IsEnabled(HttpExchange exchange) =>
        (settings.EnabledPercent >= 100 || exchange.Worker.Random.NextDouble() * 100 < settings.EnabledPercent)
        && settings.EnabledMetadata?.IsMatch(exchange.Info.Metadata) != false;

    /// <summary>The same statistics of the cluster that the request is for; null when it is for none.</summary>
    private static ExtAuthzStats? OfCluster(HttpExchange exchange) =>
        exchange.ClusterName is { } name ? exchange.Context.Stats.Group($"cluster.{name}.ext_authz.", ExtAuthzStats.Create) : null;

    /// <summary>Changes the request as the answer says; false when the answer asks for what may not be.</summary>
    private bool TryAccept(HttpExchange exchange, AuthAnswer answer)
    {
        foreach (var change in answer.Request)
        {
            // parity: the pseudo-headers and the host are never removed.
            if (change.Kind == HeaderChangeKind.Remove && (change.Name is [] or [(byte)':', ..] || change.Name.AsSpan().SequenceEqual("host"u8))) continue;
            if (settings.Rules is { } rules)
            {
                if (!rules.TryApply(change, exchange.Request)) return false;
            }
            else if (change.IsValid) change.Apply(exchange.Request);
            else if (settings.ValidateMutations) return false;
        }
        if (answer.QuerySet.Count > 0 || answer.QueryRemoved.Count > 0) exchange.Request.Set(KnownHeader.Path, QueryChanges.Apply(exchange.Request[KnownHeader.Path], answer.QuerySet, answer.QueryRemoved));
        foreach (var change in answer.Response)
            if (change.IsValid) exchange.AddResponseChange(change);
            else if (settings.ValidateMutations) return false;
        if (settings.ClearRouteCache && (answer.Request.Count > 0 || answer.QuerySet.Count > 0 || answer.QueryRemoved.Count > 0)) exchange.ChooseRoute();
        return true;
    }

    private async ValueTask<FilterResult> FailAsync(HttpExchange exchange, AuthAnswer answer)
    {
        settings.Stats.Add(exchange.Worker, ExtAuthzStats.Error);
        OfCluster(exchange)?.Add(exchange.Worker, ExtAuthzStats.Error);
        if (settings.FailureModeAllow)
        {
            settings.Stats.Add(exchange.Worker, ExtAuthzStats.FailureModeAllowed);
            OfCluster(exchange)?.Add(exchange.Worker, ExtAuthzStats.FailureModeAllowed);
            if (settings.FailureModeAllowHeader) exchange.Request.Set("x-envoy-auth-failure-mode-allowed"u8, "true"u8);
            return FilterResult.Continue;
        }
        await RefuseAsync(exchange, answer, answer.Status > 0 ? answer.Status : settings.StatusOnError, "ext_authz_error");
        return FilterResult.Stop;
    }

    private async ValueTask RefuseAsync(HttpExchange exchange, AuthAnswer answer, int status, string details)
    {
        exchange.Response.Clear();
        foreach (var change in answer.Response)
            if (change.IsValid && change.Name[0] != ':')
                change.Apply(exchange.Response);
        var body = settings.MostDeniedBytes > 0 && answer.Body.Length > settings.MostDeniedBytes ? answer.Body.AsMemory(0, settings.MostDeniedBytes) : answer.Body;
        await exchange.ReplyAsync(EndReason.Unauthorized, status, body, keepHeaders: true, codeDetails: details);
    }
}

/// <summary>Statistics of the filter. Source: Envoy's "External Authorization", statistics.</summary>
internal sealed class ExtAuthzStats(string prefix, int workers) : StatGroup(prefix, All, workers)
{
    public const int Ok = 0, Denied = 1, Error = 2, Disabled = 3, FailureModeAllowed = 4, Invalid = 5;

    private static readonly StatField[] All = [new("ok"), new("denied"), new("error"), new("disabled"), new("failure_mode_allowed"), new("invalid")];

    public static ExtAuthzStats Create(string prefix, int workers) => new(prefix, workers);
}
