using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using ResponseCode = Envoy.Config.Route.V3.RedirectAction.Types.RedirectResponseCode;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>Makes one Envoy route of one rule and match (pilot/pkg/networking/core/route/route.go#TranslateRoute).</summary>
internal static class RouteBuilder
{
    public const string DefaultName = "default";

    public static Route Build(VirtualServiceEntry rule, HTTPRoute http, HTTPMatchRequest? match, RoutePlace place, IRouteLookups lookups)
    {
        var route = new Route
        {
            Name = match is { Name.Length: > 0 } ? $"{http.Name}.{match.Name}" : http.Name,
            Match = RouteMatches.Convert(match),
            Metadata = IstioMetadata.OfConfig(rule.MetadataPath),
            StatPrefix = match?.StatPrefix ?? "",
        };
        var changes = HeaderChanges.Of(http);
        Add(route, changes);
        if (http.Redirect != null) route.Redirect = Redirect(http.Redirect, place);
        else if (http.DirectResponse != null) route.DirectResponse = Answer(http.DirectResponse);
        else route.Route_ = DestinationActions.Build(route, http, changes.Authority, place, lookups);
        route.Decorator = new() { Operation = Operation(route, rule.Name, place.Port) };
        if (http.Fault != null && RouteFilters.Convert(http.Fault) is { } fault) route.TypedPerFilterConfig[RouteFilters.Fault] = Any.Pack(fault);
        if (http.CorsPolicy != null) route.TypedPerFilterConfig[RouteFilters.Cors] = Any.Pack(RouteFilters.Convert(http.CorsPolicy));
        return route;
    }

    /// <summary>The route of a service that no VirtualService speaks of.</summary>
    public static Route Default(string cluster, string operation, MeshSettings mesh, RouteAction.Types.HashPolicy? hash)
    {
        var action = new RouteAction { Cluster = cluster, RetryPolicy = RetryPolicies.Outbound(mesh.Config.DefaultHttpRetryPolicy, hashed: false) };
        DestinationActions.SetTimeout(action, null, false);
        if (hash != null) action.HashPolicy.Add(hash);
        return new() { Name = DefaultName, Match = RouteMatches.Any(), Decorator = new() { Operation = operation }, Route_ = action };
    }

    /// <summary>The name of a service's traffic in traces.</summary>
    public static string Operation(string hostname, int port) => string.Create(CultureInfo.InvariantCulture, $"{hostname}:{port}/*");

    public static void Add(Route route, HeaderChanges changes)
    {
        route.RequestHeadersToAdd.AddRange(changes.RequestAdd);
        route.RequestHeadersToRemove.AddRange(changes.RequestRemove);
        route.ResponseHeadersToAdd.AddRange(changes.ResponseAdd);
        route.ResponseHeadersToRemove.AddRange(changes.ResponseRemove);
    }

    /// <summary>With one destination its host, else the VirtualService's name; then the path.</summary>
    private static string Operation(Route route, string ruleName, int port)
    {
        var path = route.Match.PathSpecifierCase switch
        {
            RouteMatch.PathSpecifierOneofCase.Prefix => route.Match.Prefix + "*",
            RouteMatch.PathSpecifierOneofCase.Path => route.Match.Path,
            RouteMatch.PathSpecifierOneofCase.SafeRegex => route.Match.SafeRegex.Regex,
            _ => "/*",
        };
        return ClusterName.TryParse(route.Route_?.Cluster ?? "", out var cluster)
            ? string.Create(CultureInfo.InvariantCulture, $"{cluster.Hostname}:{cluster.Port}{path}")
            : string.Create(CultureInfo.InvariantCulture, $"{ruleName}:{port}{path}");
    }

    private static RedirectAction Redirect(HTTPRedirect redirect, RoutePlace place)
    {
        var action = new RedirectAction { HostRedirect = redirect.Authority };
        if (redirect.PrefixRewrite.Length > 0) action.PrefixRewrite = redirect.PrefixRewrite;
        else if (redirect.Uri.Length > 0) action.PathRedirect = redirect.Uri;
        if (redirect.Scheme.Length > 0) action.SchemeRedirect = redirect.Scheme;
        action.PortRedirect = redirect.RedirectPortCase switch
        {
            HTTPRedirect.RedirectPortOneofCase.Port => redirect.Port,
            HTTPRedirect.RedirectPortOneofCase.DerivePort when redirect.DerivePort == HTTPRedirect.Types.RedirectPortSelection.FromRequestPort => (uint)place.Port,
            _ => 0,
        };
        var scheme = redirect.Scheme.Length > 0 ? redirect.Scheme : place.IsTls ? "https" : "http";
        // A scheme's own port is not written.
        if ((action.PortRedirect == 80 && scheme == "http") || (action.PortRedirect == 443 && scheme == "https")) action.PortRedirect = 0;
        action.ResponseCode = redirect.RedirectCode switch
        {
            302 => ResponseCode.Found,
            303 => ResponseCode.SeeOther,
            307 => ResponseCode.TemporaryRedirect,
            308 => ResponseCode.PermanentRedirect,
            _ => ResponseCode.MovedPermanently,
        };
        return action;
    }

    private static DirectResponseAction Answer(HTTPDirectResponse response)
    {
        var action = new DirectResponseAction { Status = response.Status };
        action.Body = response.Body?.SpecifierCase switch
        {
            HTTPBody.SpecifierOneofCase.String => new DataSource { InlineString = response.Body.String },
            HTTPBody.SpecifierOneofCase.Bytes => new DataSource { InlineBytes = response.Body.Bytes },
            _ => null,
        };
        return action;
    }
}
