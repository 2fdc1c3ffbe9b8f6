using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;
using static Istio.Networking.V1Alpha3.StringMatch;

namespace Lateen.Config.Validation.Networking;

/// <summary>One HTTP route: what it matches, what it does, and which of its actions exclude each other.</summary>
internal static class HttpRouteRules
{
    public static void Validate(Check check, FieldPath at, HTTPRoute route, bool isDelegate)
    {
        if (check.Original) CheckOriginalConflicts(check, at, route);
        else CheckConflicts(check, at, route, isDelegate);
#pragma warning disable CS0612 // A field of 1.1.
        if (route.WebsocketUpgrade && !check.Original) check.Warn(at["websocketUpgrade"], "has no effect: every route takes WebSocket upgrades");
#pragma warning restore CS0612
        for (var i = 0; i < route.Match.Count; i++) CheckMatch(check, at["match"][i], route.Match[i]);
        HeaderOperations.Validate(check, at, route);
        HttpActions.Cors(check, at["corsPolicy"], route.CorsPolicy);
        HttpActions.Fault(check, at["fault"], route.Fault);
        HttpActions.Mirroring(check, at, route);
        HttpActions.Redirect(check, at["redirect"], route);
        HttpActions.DirectResponse(check, at["directResponse"], route.DirectResponse);
        HttpRetries.Validate(check, at["retries"], route.Retries);
        HttpActions.Rewrite(check, at["rewrite"], route.Rewrite);
        if (!check.Original) HeaderOperations.ValidateAuthority(check, at, route);
        Destinations.ValidateWeighted(check, at["route"], route.Route);
        check.Error(at["timeout"], Values.CheckDuration(route.Timeout));
    }

    private static void CheckOriginalConflicts(Check check, FieldPath at, HTTPRoute route)
    {
        if (route.Redirect is null)
        {
            if (route.Route.Count == 0) check.Error(at, "HTTP route or redirect is required");
            return;
        }
        if (route.Route.Count > 0) check.Error(at["route"], "HTTP route cannot contain both route and redirect");
        if (route.Fault is not null) check.Error(at["fault"], "HTTP route cannot contain both fault and redirect");
        if (route.Rewrite is not null) check.Error(at["rewrite"], "HTTP route rule cannot contain both rewrite and redirect");
#pragma warning disable CS0612 // A field of 1.1.
        if (route.WebsocketUpgrade) check.Error(at["websocketUpgrade"], "WebSocket upgrade is not allowed on redirect rules");
#pragma warning restore CS0612
    }

    private static void CheckConflicts(Check check, FieldPath at, HTTPRoute route, bool isDelegate)
    {
        if (!isDelegate && route.Delegate is not null)
        {
            if (route.Redirect is not null) check.Error(at["redirect"], $"root HTTP route {route.Name} must not specify redirect");
            if (route.Route.Count > 0) check.Error(at["route"], $"root HTTP route {route.Name} must not specify route");
            return;
        }
        if (route.Delegate is not null) check.Error(at["delegate"], "delegate HTTP route cannot contain delegate");
        if (route.Redirect is not null)
        {
            if (route.Route.Count > 0) check.Error(at["route"], "HTTP route cannot contain both route and redirect");
            if (route.Fault is not null) check.Error(at["fault"], "HTTP route cannot contain both fault and redirect");
            if (route.Rewrite is not null) check.Error(at["rewrite"], "HTTP route rule cannot contain both rewrite and redirect");
            if (route.DirectResponse is not null) check.Error(at["directResponse"], "HTTP route rule cannot contain both direct_response and redirect");
        }
        else if (route.DirectResponse is not null)
        {
            if (route.Route.Count > 0) check.Error(at["route"], "HTTP route cannot contain both route and direct_response");
            if (route.Fault is not null) check.Error(at["fault"], "HTTP route cannot contain both fault and direct_response");
            if (route.Rewrite is not null) check.Error(at["rewrite"], "HTTP route rule cannot contain both rewrite and direct_response");
        }
        else if (route.Route.Count == 0)
        {
            check.Error(at, "HTTP route, redirect or direct_response is required");
        }
        if (route.Mirror is not null && route.Mirrors.Count > 0) check.Error(at["mirrors"], "HTTP route cannot contain both mirror and mirrors");
    }

    private static void CheckMatch(Check check, FieldPath at, HTTPMatchRequest match)
    {
        foreach (var (name, value) in match.Headers)
        {
            check.Error(at["headers"].Key(name), check.Original ? (name.Length == 0 ? "header name cannot be empty" : null) : HeaderSyntax.CheckMatchName(name));
            check.Error(at["headers"].Key(name), CheckText(check, value, "headers"));
        }
        foreach (var (name, value) in match.WithoutHeaders)
        {
            check.Error(at["withoutHeaders"].Key(name), HeaderSyntax.CheckMatchName(name));
            // A lone star is Envoy's "present" and no expression.
            if (value.Regex != "*") check.Error(at["withoutHeaders"].Key(name), CheckText(check, value, "withoutHeaders"));
        }
        check.Error(at["uri"], CheckRegex(check, match.Uri, "uri"));
        check.Error(at["scheme"], CheckText(check, match.Scheme, "scheme"));
        check.Error(at["method"], CheckText(check, match.Method, "method"));
        check.Error(at["authority"], CheckText(check, match.Authority, "authority"));
        foreach (var (name, value) in match.QueryParams) check.Error(at["queryParams"].Key(name), CheckText(check, value, "queryParams"));
        if (match.Port != 0) check.Error(at["port"], Addresses.CheckPort(match.Port));
        LabelSyntax.Validate(check, at["sourceLabels"], match.SourceLabels);
        VirtualServiceRules.GatewayNames(check, at["gateways"], match.Gateways);
        if (match.SourceNamespace.Length > 0 && !DnsNames.IsLabel(match.SourceNamespace))
            check.Error(at["sourceNamespace"], $"sourceNamespace match {match.SourceNamespace} is invalid");
    }

    /// <summary>An empty prefix matches nothing that Envoy would take; of a URI alone it is fine.</summary>
    private static string? CheckText(Check check, StringMatch? match, string where)
    {
        if (match?.MatchTypeCase == MatchTypeOneofCase.Prefix && match.Prefix.Length == 0 && !check.Original)
            return $"\"{where}\": prefix string match should not be empty";
        return CheckRegex(check, match, where);
    }

    /// <remarks>differs: 1.1 did not look at expressions and let the proxy refuse them; here they are judged in both ages.</remarks>
    public static string? CheckRegex(Check check, StringMatch? match, string where)
    {
        if (match?.MatchTypeCase != MatchTypeOneofCase.Regex) return null;
        if (match.Regex.Length == 0) return check.Original ? null : $"\"{where}\": regex string match should not be empty";
        return Values.CheckRegex(match.Regex, where);
    }
}
