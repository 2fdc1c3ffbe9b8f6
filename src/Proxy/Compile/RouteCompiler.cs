using System.Text;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Policies;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Routing;
using RetryPolicy = Lateen.Proxy.Http.Routing.RetryPolicy;
using RedirectAction = Lateen.Proxy.Http.Routing.RedirectAction;
using VirtualHost = Lateen.Proxy.Http.Routing.VirtualHost;
using WeightedCluster = Lateen.Proxy.Http.Routing.WeightedCluster;

namespace Lateen.Proxy.Compile;

/// <summary>RouteConfiguration → <see cref="RouteTable"/>. Pure; what is not supported is refused with its path.</summary>
internal static class RouteCompiler
{
    public static RouteTable Compile(RouteConfiguration config)
    {
        if (config.Vhds is not null) throw new ConfigRefusedException("vhds", "is not supported");
        if (config.VhostHeader.Length > 0) throw new ConfigRefusedException("vhost_header", "is not supported");
        if (config.IgnorePathParametersInPathMatching) throw new ConfigRefusedException("ignore_path_parameters_in_path_matching", "is not supported");
        var domains = new List<(string, VirtualHost)>();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var tableRequest = HeaderOperations.Compile(config.RequestHeadersToAdd, config.RequestHeadersToRemove, "request_headers_to_add");
        var tableResponse = HeaderOperations.Compile(config.ResponseHeadersToAdd, config.ResponseHeadersToRemove, "response_headers_to_add");
        var tableFilters = RouteFilters.None.With(config.TypedPerFilterConfig, "");
        for (var i = 0; i < config.VirtualHosts.Count; i++)
        {
            var path = $"virtual_hosts[{i}]";
            var source = config.VirtualHosts[i];
            if (source.Matcher is not null) throw new ConfigRefusedException(path + ".matcher", "is not supported");
            if (source.Domains.Count == 0) throw new ConfigRefusedException(path + ".domains", $"the virtual host {source.Name} has no domain");
            var hostRequest = HeaderOperations.Compile(source.RequestHeadersToAdd, source.RequestHeadersToRemove, path + ".request_headers_to_add");
            var hostResponse = HeaderOperations.Compile(source.ResponseHeadersToAdd, source.ResponseHeadersToRemove, path + ".response_headers_to_add");
            var scope = new Scope(config, source, [tableRequest, hostRequest], [tableResponse, hostResponse], config.MostSpecificHeaderMutationsWins, tableFilters.With(source.TypedPerFilterConfig, path), RateLimitPolicy.Compile(source.RateLimits, path + ".rate_limits"));
            var routes = new RouteEntry[source.Routes.Count];
            for (var r = 0; r < routes.Length; r++) routes[r] = CompileRoute(source.Routes[r], scope, $"{path}.routes[{r}]");
            var host = new VirtualHost(source.Name, routes, source.RequireTls == Envoy.Config.Route.V3.VirtualHost.Types.TlsRequirementType.All, hostResponse);
            foreach (var domain in source.Domains)
            {
                if (!seen.Add(domain)) throw new ConfigRefusedException(path + ".domains", $"the domain {domain} is in more than one virtual host of the route configuration {config.Name}");
                domains.Add((domain, host));
            }
        }
        return new RouteTable(config.Name, domains, config.IgnorePortInHostMatching, Fingerprints.Of(config));
    }

    /// <summary>Most bytes of a direct response's body when the table says nothing.</summary>
    private const uint DefaultBodyLimit = 4096;

    private sealed record Scope(
        RouteConfiguration Config, Envoy.Config.Route.V3.VirtualHost Host, HeaderOperations[] Request, HeaderOperations[] Response, bool MostSpecificWins, RouteFilters Filters, RateLimitPolicy RateLimits);

    private static RouteEntry CompileRoute(Route route, Scope scope, string path)
    {
        var match = CompileMatch(route.Match ?? throw new ConfigRefusedException(path + ".match", "is missing"), path + ".match");
        var request = HeaderOperations.Compile(route.RequestHeadersToAdd, route.RequestHeadersToRemove, path + ".request_headers_to_add");
        var response = HeaderOperations.Compile(route.ResponseHeadersToAdd, route.ResponseHeadersToRemove, path + ".response_headers_to_add");
        var entry = new RouteEntry
        {
            Match = match,
            Name = route.Name,
            RequestHeaders = Order(scope.Request, request, scope.MostSpecificWins),
            ResponseHeaders = Order(scope.Response, response, scope.MostSpecificWins),
            DecoratorOperation = route.Decorator?.Operation,
            IncludeAttemptCount = scope.Host.IncludeRequestAttemptCount,
            Metadata = route.Metadata,
            Filters = scope.Filters.With(route.TypedPerFilterConfig, path),
            HostRateLimits = scope.RateLimits,
        };
        return route.ActionCase switch
        {
            Route.ActionOneofCase.Route_ => CompileAction(entry, route.Route_, scope, path + ".route"),
            Route.ActionOneofCase.Redirect => entry with { Redirect = CompileRedirect(route.Redirect, path + ".redirect") },
            Route.ActionOneofCase.DirectResponse => entry with { Direct = CompileDirect(route.DirectResponse, scope.Config.MaxDirectResponseBodySizeBytes ?? DefaultBodyLimit, path + ".direct_response") },
            _ => throw new ConfigRefusedException(path, $"the action {route.ActionCase} is not supported"),
        };
    }

    /// <summary>Applied in this order; the later overwrites the earlier.</summary>
    private static HeaderOperations[] Order(HeaderOperations[] outer, HeaderOperations own, bool mostSpecificWins)
    {
        var all = outer.Append(own);
        return [.. (mostSpecificWins ? all : all.Reverse()).Where(operations => !operations.IsEmpty)];
    }

    /// <summary>What a route asks for beside the request itself.</summary>
    private static Func<StreamInfo, bool>[] Facts(RouteMatch match, string path)
    {
        var facts = new List<Func<StreamInfo, bool>>();
        for (var i = 0; i < match.DynamicMetadata.Count; i++)
        {
            var metadata = new MetadataMatch(match.DynamicMetadata[i], $"{path}.dynamic_metadata[{i}]");
            facts.Add(info => metadata.IsMatch(info.Metadata));
        }
        for (var i = 0; i < match.FilterState.Count; i++)
        {
            var state = PolicyConditions.State(match.FilterState[i], $"{path}.filter_state[{i}]");
            facts.Add(info => state(new PolicySubject(info, PolicySubject.NoHeaders, null)));
        }
        if (match.TlsContext?.Presented is { } presented) facts.Add(info => info.DownstreamTls?.Peer is not null == presented);
        if (match.TlsContext?.Validated is { } validated) facts.Add(info => info.DownstreamTls is { IsPeerVerified: true } == validated);
        return [.. facts];
    }

    internal static QueryMatch Query(QueryParameterMatcher parameter, string path) => new(
        parameter.Name,
        parameter.QueryParameterMatchSpecifierCase == QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.StringMatch ? StringMatch.From(parameter.StringMatch, path + ".string_match") : null,
        parameter.QueryParameterMatchSpecifierCase == QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.PresentMatch ? parameter.PresentMatch : null);

    internal static RouteMatcher CompileMatch(RouteMatch match, string path)
    {
        var ignoreCase = match.CaseSensitive is false;
        var headers = match.Headers.Select((header, i) => new HeaderMatch(header, $"{path}.headers[{i}]")).ToArray();
        var query = match.QueryParameters.Select((parameter, i) => Query(parameter, $"{path}.query_parameters[{i}]")).ToArray();
        double? percent = match.RuntimeFraction?.DefaultValue is { } fraction ? Percent.Of(fraction) : null;
        var facts = Facts(match, path);
        RouteMatcher Make(PathKind kind, string text, System.Text.RegularExpressions.Regex? regex = null) =>
            new(kind, text, ignoreCase, regex, headers, query, percent, match.Grpc is not null) { Facts = facts };
        RouteMatcher Template(string template)
        {
            var (regex, variables) = UriTemplate.Compile(template, path + ".path_match_policy");
            return new RouteMatcher(PathKind.Template, template, ignoreCase, regex, headers, query, percent, match.Grpc is not null) { Variables = variables, Facts = facts };
        }
        return match.PathSpecifierCase switch
        {
            RouteMatch.PathSpecifierOneofCase.Prefix => Make(PathKind.Prefix, match.Prefix),
            RouteMatch.PathSpecifierOneofCase.Path => Make(PathKind.Exact, match.Path),
            RouteMatch.PathSpecifierOneofCase.SafeRegex => Make(PathKind.Regex, match.SafeRegex.Regex, SafeRegex.Compile(match.SafeRegex.Regex, path + ".safe_regex.regex")),
            RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix => Make(PathKind.SeparatedPrefix, match.PathSeparatedPrefix),
            RouteMatch.PathSpecifierOneofCase.ConnectMatcher => Make(PathKind.Connect, ""),
            RouteMatch.PathSpecifierOneofCase.PathMatchPolicy
                when match.PathMatchPolicy.TypedConfig.TryRead<Envoy.Extensions.Path.Match.UriTemplate.V3.UriTemplateMatchConfig>(out var template) =>
                Template(template.PathTemplate),
            _ => throw new ConfigRefusedException(path, $"the path condition {match.PathSpecifierCase} is not supported"),
        };
    }

    private static RouteEntry CompileAction(RouteEntry entry, RouteAction action, Scope scope, string path)
    {
        RouteRules.Check(action, path);
        if (action.InternalRedirectPolicy is not null) throw new ConfigRefusedException(path + ".internal_redirect_policy", "is not supported");
        var criteria = SubsetCompiler.Criteria(action.MetadataMatch);
        var weighted = action.WeightedClusters?.Clusters.Select((cluster, i) => new WeightedCluster(
            cluster.Name, (int)(cluster.Weight ?? 0),
            HeaderOperations.Compile(cluster.RequestHeadersToAdd, cluster.RequestHeadersToRemove, $"{path}.weighted_clusters.clusters[{i}].request_headers_to_add"),
            HeaderOperations.Compile(cluster.ResponseHeadersToAdd, cluster.ResponseHeadersToRemove, $"{path}.weighted_clusters.clusters[{i}].response_headers_to_add"),
            cluster.HostRewriteLiteral.Length > 0 ? cluster.HostRewriteLiteral : null,
            entry.Filters.With(cluster.TypedPerFilterConfig, $"{path}.weighted_clusters.clusters[{i}]"))
        {
            Criteria = SubsetCompiler.Criteria(cluster.MetadataMatch) is { } own ? criteria?.With(own) ?? own : criteria,
        }).ToArray() ?? [];
        if (action.ClusterSpecifierCase == RouteAction.ClusterSpecifierOneofCase.WeightedClusters && weighted.Sum(cluster => cluster.Weight) == 0)
            throw new ConfigRefusedException(path + ".weighted_clusters", "the weights add up to 0");
        if (action.ClusterSpecifierCase is not (RouteAction.ClusterSpecifierOneofCase.Cluster or RouteAction.ClusterSpecifierOneofCase.WeightedClusters
            or RouteAction.ClusterSpecifierOneofCase.ClusterHeader))
            throw new ConfigRefusedException(path, $"the cluster specifier {action.ClusterSpecifierCase} is not supported");
        var retry = action.RetryPolicy ?? scope.Host.RetryPolicy;
        Refuse(action, path);
        RetryCompiler.Refuse(action.HedgePolicy ?? scope.Host.HedgePolicy, path + ".hedge_policy");
        if (action.RetryPolicyTypedConfig is not null || scope.Host.RetryPolicyTypedConfig is not null) throw new ConfigRefusedException(path + ".retry_policy_typed_config", "is not supported");
        return entry with
        {
            Cluster = action.ClusterSpecifierCase == RouteAction.ClusterSpecifierOneofCase.Cluster ? action.Cluster : null,
            ClusterHeader = action.ClusterSpecifierCase == RouteAction.ClusterSpecifierOneofCase.ClusterHeader ? Encoding.ASCII.GetBytes(action.ClusterHeader.ToLowerInvariant()) : null,
            Weighted = weighted,
            TotalWeight = weighted.Sum(cluster => cluster.Weight),
            ClusterNotFoundStatus = action.ClusterNotFoundResponseCode switch
            {
                RouteAction.Types.ClusterNotFoundResponseCode.NotFound => 404,
                RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError => 500,
                _ => 503,
            },
            TimeoutMs = Durations.Ms(action.Timeout) ?? 15_000,
            IdleTimeoutMs = Durations.Ms(action.IdleTimeout),
            MaxStreamDurationMs = Durations.Ms(action.MaxStreamDuration?.MaxStreamDuration_),
            GrpcTimeoutMaxMs = Durations.Ms(action.MaxStreamDuration?.GrpcTimeoutHeaderMax),
            GrpcTimeoutOffsetMs = Durations.Ms(action.MaxStreamDuration?.GrpcTimeoutHeaderOffset) ?? 0,
#pragma warning disable CS0612 // The older field is what Istio sends.
            GrpcRouteTimeoutMaxMs = Durations.Ms(action.MaxGrpcTimeout),
            IncludesHostRateLimits = action.IncludeVhRateLimits is true,
#pragma warning restore CS0612
            RateLimits = RateLimitPolicy.Compile(action.RateLimits, path + ".rate_limits"),
            Criteria = criteria,
            IsHighPriority = action.Priority == Envoy.Config.Core.V3.RoutingPriority.High,
            Retry = retry is null ? null : RetryCompiler.Compile(retry, path + ".retry_policy"),
            PrefixRewrite = action.PrefixRewrite.Length > 0 ? action.PrefixRewrite : null,
            RegexRewrite = action.RegexRewrite is { } rewrite ? SafeRegex.Compile(rewrite.Pattern.Regex, path + ".regex_rewrite.pattern.regex", wholeText: false) : null,
            TemplateRewrite = TemplateRewrite(action, entry.Match, path + ".path_rewrite_policy"),
            HostFromPath = action.HostRewriteSpecifierCase == RouteAction.HostRewriteSpecifierOneofCase.HostRewritePathRegex ? Substitution(action.HostRewritePathRegex, path + ".host_rewrite_path_regex") : null,
            RegexSubstitution = Re2Substitution(action.RegexRewrite?.Substitution),
            HostRewrite = action.HostRewriteSpecifierCase == RouteAction.HostRewriteSpecifierOneofCase.HostRewriteLiteral ? action.HostRewriteLiteral : null,
            AutoHostRewrite = action.HostRewriteSpecifierCase == RouteAction.HostRewriteSpecifierOneofCase.AutoHostRewrite && action.AutoHostRewrite is true,
            HostRewriteHeader = action.HostRewriteSpecifierCase == RouteAction.HostRewriteSpecifierOneofCase.HostRewriteHeader ? Encoding.ASCII.GetBytes(action.HostRewriteHeader.ToLowerInvariant()) : null,
            AppendForwardedHost = action.AppendXForwardedHost,
            Mirrors = [.. action.RequestMirrorPolicies.Select(mirror => new MirrorPolicy(mirror.Cluster, mirror.RuntimeFraction?.DefaultValue is { } share ? Percent.Of(share) : 100, mirror.DisableShadowHostSuffixAppend))],
            Hash = [.. action.HashPolicy.Select((policy, i) => CompileHash(policy, $"{path}.hash_policy[{i}]"))],
            AllowWebSocket = action.UpgradeConfigs.Any(upgrade => upgrade.UpgradeType.Equals("websocket", StringComparison.OrdinalIgnoreCase) && upgrade.Enabled is not false),
            AllowConnect = action.UpgradeConfigs.Any(upgrade => upgrade.UpgradeType.Equals("connect", StringComparison.OrdinalIgnoreCase)),
        };
    }

    private static TemplateRewrite? TemplateRewrite(RouteAction action, RouteMatcher match, string path)
    {
        if (action.PathRewritePolicy is not { } policy) return null;
        if (policy.TypedConfig?.TryRead<Envoy.Extensions.Path.Rewrite.UriTemplate.V3.UriTemplateRewriteConfig>(out var config) != true) throw new ConfigRefusedException(path, $"{policy.Name} is not supported");
        return UriTemplate.CompileRewrite(config!.PathTemplateRewrite, match, path);
    }

    private static (System.Text.RegularExpressions.Regex, string) Substitution(Envoy.Type.Matcher.V3.RegexMatchAndSubstitute rewrite, string path) =>
        (SafeRegex.Compile(rewrite.Pattern?.Regex ?? "", path + ".pattern.regex", wholeText: false), Re2Substitution(rewrite.Substitution));

    private static void Refuse(RouteAction action, string path)
    {
        if (action.PathRewrite.Length > 0) throw new ConfigRefusedException(path + ".path_rewrite", "is not supported");
        if (action.HostRewriteSpecifierCase == RouteAction.HostRewriteSpecifierOneofCase.HostRewrite) throw new ConfigRefusedException(path + ".host_rewrite", "is not supported");
        for (var i = 0; i < action.RequestMirrorPolicies.Count; i++)
        {
            var mirror = action.RequestMirrorPolicies[i];
            if (mirror.ClusterHeader.Length > 0) throw new ConfigRefusedException($"{path}.request_mirror_policies[{i}].cluster_header", "is not supported");
            if (mirror.HostRewriteLiteral.Length > 0) throw new ConfigRefusedException($"{path}.request_mirror_policies[{i}].host_rewrite_literal", "is not supported");
            if (mirror.RequestHeadersMutations.Count > 0) throw new ConfigRefusedException($"{path}.request_mirror_policies[{i}].request_headers_mutations", "is not supported");
        }
        if (action.WeightedClusters is not { } weighted) return;
        if (weighted.RandomValueSpecifierCase != Envoy.Config.Route.V3.WeightedCluster.RandomValueSpecifierOneofCase.None)
            throw new ConfigRefusedException(path + ".weighted_clusters", $"{weighted.RandomValueSpecifierCase} is not supported");
        for (var i = 0; i < weighted.Clusters.Count; i++)
            if (weighted.Clusters[i].ClusterHeader.Length > 0)
                throw new ConfigRefusedException($"{path}.weighted_clusters.clusters[{i}].cluster_header", "is not supported");
    }

    private static HashPolicy CompileHash(RouteAction.Types.HashPolicy policy, string path) => policy.PolicySpecifierCase switch
    {
        RouteAction.Types.HashPolicy.PolicySpecifierOneofCase.Header => new HashPolicy(Encoding.ASCII.GetBytes(policy.Header.HeaderName.ToLowerInvariant()), null, null, null, false, null, policy.Terminal)
        {
            Rewrite = policy.Header.RegexRewrite is { } rewrite ? Substitution(rewrite, path + ".header.regex_rewrite") : null,
        },
        RouteAction.Types.HashPolicy.PolicySpecifierOneofCase.Cookie => new HashPolicy(
            null, policy.Cookie.Name, policy.Cookie.Ttl is { } ttl ? (long)ttl.ToTimeSpan().TotalSeconds : null, policy.Cookie.Path, false, null, policy.Terminal),
        RouteAction.Types.HashPolicy.PolicySpecifierOneofCase.ConnectionProperties => new HashPolicy(null, null, null, null, policy.ConnectionProperties.SourceIp, null, policy.Terminal),
        RouteAction.Types.HashPolicy.PolicySpecifierOneofCase.QueryParameter => new HashPolicy(null, null, null, null, false, Encoding.UTF8.GetBytes(policy.QueryParameter.Name), policy.Terminal),
        _ => throw new ConfigRefusedException(path, $"the hash policy {policy.PolicySpecifierCase} is not supported"),
    };

    private static RedirectAction CompileRedirect(Envoy.Config.Route.V3.RedirectAction redirect, string path) => new(
        redirect.ResponseCode switch
        {
            Envoy.Config.Route.V3.RedirectAction.Types.RedirectResponseCode.Found => 302,
            Envoy.Config.Route.V3.RedirectAction.Types.RedirectResponseCode.SeeOther => 303,
            Envoy.Config.Route.V3.RedirectAction.Types.RedirectResponseCode.TemporaryRedirect => 307,
            Envoy.Config.Route.V3.RedirectAction.Types.RedirectResponseCode.PermanentRedirect => 308,
            _ => 301,
        },
        redirect.SchemeRedirect.Length > 0 ? redirect.SchemeRedirect : null,
        redirect.HttpsRedirect,
        redirect.HostRedirect.Length > 0 ? redirect.HostRedirect : null,
        redirect.PortRedirect > 0 ? (int)redirect.PortRedirect : null,
        redirect.PathRewriteSpecifierCase == Envoy.Config.Route.V3.RedirectAction.PathRewriteSpecifierOneofCase.PathRedirect ? redirect.PathRedirect : null,
        redirect.PathRewriteSpecifierCase == Envoy.Config.Route.V3.RedirectAction.PathRewriteSpecifierOneofCase.PrefixRewrite ? redirect.PrefixRewrite : null,
        redirect.RegexRewrite is { } regex ? SafeRegex.Compile(regex.Pattern.Regex, path + ".regex_rewrite.pattern.regex", wholeText: false) : null,
        Re2Substitution(redirect.RegexRewrite?.Substitution),
        redirect.StripQuery);

    private static DirectResponse CompileDirect(DirectResponseAction direct, uint limit, string path)
    {
        var body = BodyOf(direct, path);
        if (body.Length > limit) throw new ConfigRefusedException(path + ".body", $"has {body.Length} bytes, more than the {limit} of max_direct_response_body_size_bytes");
        return new DirectResponse((int)direct.Status, body);
    }

    private static byte[] BodyOf(DirectResponseAction direct, string path) => direct.Body?.SpecifierCase switch
    {
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.InlineString => Encoding.UTF8.GetBytes(direct.Body.InlineString),
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.InlineBytes => direct.Body.InlineBytes.ToByteArray(),
        Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.Filename => File.ReadAllBytes(direct.Body.Filename),
        null or Envoy.Config.Core.V3.DataSource.SpecifierOneofCase.None => [],
        var other => throw new ConfigRefusedException(path + ".body", $"the source {other} is not supported"),
    };

    /// <summary>RE2 writes \1 where .NET writes $1.</summary>
    internal static string Re2Substitution(string? substitution)
    {
        var result = new StringBuilder();
        var text = substitution ?? "";
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '\\' && i + 1 < text.Length) result.Append(char.IsAsciiDigit(text[++i]) ? $"${{{text[i]}}}" : text[i]);
            else result.Append(text[i] == '$' ? "$$" : text[i]);
        return result.ToString();
    }
}

/// <summary>Fractions and durations of the API in the proxy's own units.</summary>
internal static class Percent
{
    public static double Of(Envoy.Type.V3.FractionalPercent fraction) => fraction.Numerator * 100.0 / fraction.Denominator switch
    {
        Envoy.Type.V3.FractionalPercent.Types.DenominatorType.TenThousand => 10_000,
        Envoy.Type.V3.FractionalPercent.Types.DenominatorType.Million => 1_000_000,
        _ => 100,
    };
}

/// <inheritdoc cref="Percent"/>
internal static class Durations
{
    /// <summary>Milliseconds; null when absent.</summary>
    public static long? Ms(Duration? duration) => duration is null ? null : duration.Seconds * 1000 + duration.Nanos / 1_000_000;
}

/// <summary>Tells equal messages from different ones.</summary>
internal static class Fingerprints
{
    public static ulong Of(IMessage message) => Upstream.Balancers.Hashing.Of(message.ToByteArray());
}
