using Istio.Security.V1Beta1;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Security;

/// <summary>PeerAuthentication and RequestAuthentication.</summary>
internal static class AuthenticationRules
{
    public static void ValidatePeer(Check check)
    {
        var policy = check.Object.As<PeerAuthentication>();
        var ports = FieldPath.Spec["portLevelMtls"];
        if (policy.PortLevelMtls.Count > 0 && (policy.Selector is null || policy.Selector.MatchLabels.Count == 0))
            check.Error(ports, "mesh/namespace peer authentication cannot have port level mTLS");
        if (check.Object.EmptyMaps.Contains(ports.ToString())) check.Error(ports, "port level mTLS, if defined, must have at least one element");
        foreach (var port in policy.PortLevelMtls.Keys)
            if (port is 0 or > 65535)
                check.Error(ports.Key(port.ToString(System.Globalization.CultureInfo.InvariantCulture)), "port must be in range 1..65535");
        Selectors.Validate(check, FieldPath.Spec["selector"], policy.Selector);
    }

    public static void ValidateRequest(Check check)
    {
        var policy = check.Object.As<RequestAuthentication>();
        Selectors.Validate(check, policy.Selector, policy.TargetRef, policy.TargetRefs);
        for (var i = 0; i < policy.JwtRules.Count; i++) Jwt(check, FieldPath.Spec["jwtRules"][i], policy.JwtRules[i]);
    }

    private static void Jwt(Check check, FieldPath at, JWTRule rule)
    {
        NotEmpty(at["audiences"], rule.Audiences, "audience must be non-empty string");
        if (rule.Issuer.Length == 0 && rule.JwksUri.Length == 0) check.Error(at["issuer"], "issuer or jwksUri must be non-empty string");
        if (rule.JwksUri.Length > 0) check.Error(at["jwksUri"], KeySets.CheckUri(rule.JwksUri));
        if (rule.Jwks.Length > 0)
        {
            check.Error(at["jwks"], KeySets.Check(rule.Jwks, out var privateKeys));
            foreach (var index in privateKeys)
                check.Warn(at["jwks"], $"jwks key at index {index} contains private key material; only public keys are used for verification");
        }
        for (var i = 0; i < rule.FromHeaders.Count; i++)
            if (rule.FromHeaders[i].Name.Length == 0)
                check.Error(at["fromHeaders"][i]["name"], "location header name must be non-empty string");
        NotEmpty(at["fromParams"], rule.FromParams, "location query must be non-empty string");
        NotEmpty(at["fromCookies"], rule.FromCookies, "cookie name must be non-empty string");
        for (var i = 0; i < rule.OutputClaimToHeaders.Count; i++)
        {
            var (output, path) = (rule.OutputClaimToHeaders[i], at["outputClaimToHeaders"][i]);
            if (output.Claim.Length == 0 || output.Header.Length == 0) check.Error(path, "outputClaimToHeaders header and claim value must be non-empty string");
            else check.Error(path["header"], HeaderSyntax.CheckPlainName(output.Header, underscores: true));
        }
        check.Error(at["timeout"], Values.CheckDuration(rule.Timeout));

        void NotEmpty(FieldPath path, IList<string> values, string message)
        {
            for (var i = 0; i < values.Count; i++)
                if (values[i].Length == 0)
                    check.Error(path[i], message);
        }
    }
}
