using System.Globalization;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Security.V1Beta1;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Security;

/// <summary>
/// The filter that RequestAuthentications make: a token that a request has must be right, of one of the issuers; a request without any may
/// pass (pilot/pkg/security/authn/policy_applier.go).
/// </summary>
internal static class JwtFilters
{
    public const string Name = "envoy.filters.http.jwt_authn";

    /// <summary>Where the filter leaves the claims for the authorization filters.</summary>
    public const string PayloadKey = "payload";

    // An issuer whose keys nobody here can get has none: every token of it is refused.
    private const string NoKeys = """{"keys":[]}""";

    private static readonly string[] SpaceDelimited = ["permission", "scope"];

    /// <summary>Null without any rule.</summary>
    public static HttpFilter? Build(WorkloadPolicies policies, bool onGateway)
    {
        List<JWTRule> rules = [.. policies.Tokens.SelectMany(t => t.As<RequestAuthentication>().JwtRules).OrderBy(r => r.Issuer, StringComparer.Ordinal)];
        if (rules.Count == 0) return null;
        var authentication = new JwtAuthentication { BypassCorsPreflight = true };
        List<string> names = [];
        foreach (var rule in rules)
        {
            names.Add(string.Create(CultureInfo.InvariantCulture, $"origins-{names.Count}"));
            authentication.Providers[names[^1]] = Provider(rule, onGateway);
        }
        authentication.Rules.Add(new RequirementRule { Match = new() { Prefix = "/" }, Requires = Any(Requirements(names)) });
        return new() { Name = Name, TypedConfig = Google.Protobuf.WellKnownTypes.Any.Pack(authentication) };
    }

    /// <summary>One of the tokens, or each of them where it is there.</summary>
    private static IEnumerable<JwtRequirement> Requirements(List<string> names)
    {
        foreach (var name in names) yield return new() { ProviderName = name };
        var optional = names.Select(n => Any([new() { ProviderName = n }, Missing()]));
        yield return names.Count == 1 ? Missing() : new() { RequiresAll = new() { Requirements = { optional } } };
    }

    private static JwtRequirement Any(IEnumerable<JwtRequirement> requirements) => new() { RequiresAny = new() { Requirements = { requirements } } };

    private static JwtRequirement Missing() => new() { AllowMissing = new Empty() };

    private static JwtProvider Provider(JWTRule rule, bool onGateway)
    {
        var provider = new JwtProvider
        {
            Issuer = rule.Issuer,
            Audiences = { rule.Audiences },
            Forward = rule.ForwardOriginalToken,
            ForwardPayloadHeader = rule.OutputPayloadToHeader,
            PayloadInMetadata = PayloadKey,
            NormalizePayloadInMetadata = new() { SpaceDelimitedClaims = { SpaceDelimited.Union(rule.SpaceDelimitedClaims).Order(StringComparer.Ordinal) } },
            FromParams = { rule.FromParams },
            FromCookies = { rule.FromCookies },
            // Routes of a gateway may depend on claims.
            ClearRouteCache = onGateway,
            LocalJwks = new() { InlineString = rule.Jwks.Length > 0 ? rule.Jwks : NoKeys },
        };
        foreach (var header in rule.FromHeaders) provider.FromHeaders.Add(new JwtHeader { Name = header.Name, ValuePrefix = header.Prefix });
        foreach (var claim in rule.OutputClaimToHeaders) provider.ClaimToHeaders.Add(new JwtClaimToHeader { HeaderName = claim.Header, ClaimName = claim.Claim });
        return provider;
    }
}
