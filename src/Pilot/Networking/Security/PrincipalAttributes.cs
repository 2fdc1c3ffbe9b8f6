using Envoy.Config.Rbac.V3;
using Envoy.Type.Matcher.V3;
using Istio.Security.V1Beta1;

namespace Lateen.Pilot.Networking.Security;

/// <summary>The attributes of who asks (pilot/pkg/security/authz/model/generator.go, principal.go).</summary>
internal static class PrincipalAttributes
{
    private const string Headers = "request.headers[";
    private const string Claims = "request.auth.claims[";

    public static IEnumerable<RuleAttribute<Principal>> Of(Source? source, RuleContext context)
    {
        if (source == null) return [];
        RuleAttribute<Principal>[] all =
        [
            Peers(source.Principals, source.NotPrincipals, context.TrustDomains),
            Tokens(source.RequestPrincipals, source.NotRequestPrincipals, context.IsTcp),
            new(source.ServiceAccounts, source.NotServiceAccounts, v => ServiceAccount(v, context.Namespace)),
            new(source.Namespaces, source.NotNamespaces, Namespace),
            new(source.TrustDomains, source.NotTrustDomains, v => Authenticated(ValueMatchers.Regex($"spiffe://{v.Replace("*", ".*", StringComparison.Ordinal)}/.*"))),
            new(source.RemoteIpBlocks, source.NotRemoteIpBlocks, RemoteIp),
            new(source.IpBlocks, source.NotIpBlocks, DirectIp),
        ];
        return all.Where(a => !a.IsEmpty);
    }

    /// <summary>Null for a condition of what is asked for.</summary>
    public static RuleAttribute<Principal>? Of(Condition when, RuleContext context)
    {
        var (key, values, others) = (when.Key, when.Values, when.NotValues);
        return key switch
        {
            "source.ip" => new(values, others, DirectIp),
            "remote.ip" => new(values, others, RemoteIp),
            "source.namespace" => new(values, others, Namespace),
            "source.serviceAccount" => new(values, others, v => ServiceAccount(v, context.Namespace)),
            "source.principal" => Peers(values, others, context.TrustDomains),
            "request.auth.principal" => Tokens(values, others, context.IsTcp),
            "request.auth.audiences" => Claim(["aud"], values, others, context.IsTcp),
            "request.auth.presenter" => Claim(["azp"], values, others, context.IsTcp),
            _ when key.StartsWith(Headers, StringComparison.Ordinal) && key.EndsWith(']') =>
                new(values, others, v => context.IsTcp ? null : new() { Header = ValueMatchers.Header(key[Headers.Length..^1], v) }),
            _ when key.StartsWith(Claims, StringComparison.Ordinal) && key.EndsWith(']') => Claim(key[Claims.Length..^1].Split("]["), values, others, context.IsTcp),
            _ => null,
        };
    }

    public static Principal Any(List<Principal> ids) => new() { OrIds = new() { Ids = { ids } } };

    public static Principal Not(Principal id) => new() { NotId = id };

    private static RuleAttribute<Principal> Peers(IReadOnlyList<string> values, IReadOnlyList<string> others, IReadOnlyList<string> trustDomains) => new(
        [.. values.SelectMany(v => TrustDomains.Expand(v, trustDomains))], [.. others.SelectMany(v => TrustDomains.Expand(v, trustDomains))],
        v => Authenticated(ValueMatchers.Text(v, "spiffe://")));

    /// <summary>A token's principal is its issuer and subject, <c>issuer/subject</c>.</summary>
    private static RuleAttribute<Principal> Tokens(IReadOnlyList<string> values, IReadOnlyList<string> others, bool tcp) =>
        new(values, others, v => tcp ? null : Token(v)) { IsBareWhenSingle = true };

    private static Principal Token(string value)
    {
        // The subject is behind the last slash: issuers are URLs.
        var slash = value.LastIndexOf('/');
        var (issuer, subject) = (value, slash) switch
        {
            ("*", _) => ("*", "*"),
            (_, >= 0) => (value[..slash], value[(slash + 1)..]),
            (['*', ..], _) => ("*", value),
            _ => (value, "*"),
        };
        return new() { AndIds = new() { Ids = { Payload(["iss"], ValueMatchers.Is(ValueMatchers.Text(issuer))), Payload(["sub"], ValueMatchers.Is(ValueMatchers.Text(subject))) } } };
    }

    /// <summary>A claim that is the value, or a list that has it.</summary>
    private static RuleAttribute<Principal> Claim(string[] path, IReadOnlyList<string> values, IReadOnlyList<string> others, bool tcp) => new(values, others, v =>
    {
        if (tcp) return null;
        var either = new OrMatcher { ValueMatchers = { ValueMatchers.ListHas(ValueMatchers.Text(v)), ValueMatchers.Is(ValueMatchers.Text(v)) } };
        return Payload(path, new() { OrMatch = either });
    }) { IsBareWhenSingle = true };

#pragma warning disable CS0612 // istiod sends this field, and Envoys of every age know it
    private static Principal Payload(string[] path, ValueMatcher value) => new() { Metadata = ValueMatchers.Metadata(JwtFilters.Name, [JwtFilters.PayloadKey, .. path], value) };
#pragma warning restore CS0612

    private static Principal? DirectIp(string value) => ValueMatchers.Range(value) is { } range ? new() { DirectRemoteIp = range } : null;

    private static Principal? RemoteIp(string value) => ValueMatchers.Range(value) is { } range ? new() { RemoteIp = range } : null;

    private static Principal Namespace(string value) => Authenticated(ValueMatchers.Regex($".*/ns/{value.Replace("*", ".*", StringComparison.Ordinal)}/.*"));

    /// <summary><c>namespace/account</c>, or an account of the policy's own namespace.</summary>
    private static Principal ServiceAccount(string value, string policyNamespace)
    {
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        var (ns, account) = slash < 0 ? (policyNamespace, value) : (value[..slash], value[(slash + 1)..]);
        return Authenticated(ValueMatchers.Regex($"spiffe://.+/ns/{ns}/(.+/|)sa/{account}(/.+)?"));
    }

    private static Principal Authenticated(StringMatcher name) => new() { Authenticated = new() { PrincipalName = name } };
}
