using Istio.Authentication.V1Alpha1;
using Lateen.Config.Kinds;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Networking;
using Lateen.Config.Validation.Primitives;
using Lateen.Config.Validation.Security;

namespace Lateen.Config.Validation.Original;

/// <summary>1.1's authentication Policy and MeshPolicy.</summary>
internal static class AuthenticationPolicyRules
{
    private const string Default = "default";

    public static void Validate(Check check)
    {
        var policy = check.Object.As<Policy>();
        var spec = FieldPath.Spec;
        if (check.Object.Kind == ConfigKinds.MeshPolicy) CheckMeshWide(check, spec, policy);
        else CheckTargets(check, spec["targets"], policy);

        var issuers = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < policy.Peers.Count; i++)
            if (policy.Peers[i].Jwt is { } jwt)
                CheckJwt(check, spec["peers"][i]["jwt"], jwt, issuers);
        for (var i = 0; i < policy.Origins.Count; i++)
        {
            if (policy.Origins[i].Jwt is { } jwt) CheckJwt(check, spec["origins"][i]["jwt"], jwt, issuers);
            else check.Error(spec["origins"][i]["jwt"], "issuer must be set");
        }
    }

    private static void CheckMeshWide(Check check, FieldPath spec, Policy policy)
    {
        if (check.Object.Name != Default)
            check.Error(FieldPath.Root["metadata"]["name"], $"cluster-scoped authentication policy name must be \"default\", found {GoText.Quote(check.Object.Name)}");
        if (policy.Targets.Count > 0) check.Error(spec["targets"], "cluster-scoped authentication policy must not have targets");
    }

    private static void CheckTargets(Check check, FieldPath at, Policy policy)
    {
        if (policy.Targets.Count == 0 && check.Object.Name != Default)
            check.Error(FieldPath.Root["metadata"]["name"], $"authentication policy with no target rules  must be named \"default\", found {GoText.Quote(check.Object.Name)}");
        if (policy.Targets.Count > 0 && check.Object.Name == Default) check.Error(at, "authentication policy with name \"default\" must not have any target rules");
        for (var i = 0; i < policy.Targets.Count; i++)
        {
            var target = policy.Targets[i];
            if (!DnsNames.IsLabel(target.Name)) check.Error(at[i]["name"], $"target name {GoText.Quote(target.Name)} must be a valid label");
            for (var j = 0; j < target.Ports.Count; j++)
            {
                var (port, path) = (target.Ports[j], at[i]["ports"][j]);
                if (port.Number != 0) check.Error(path["number"], Addresses.CheckPort(port.Number));
                else check.Error(path["name"], Destinations.CheckSubsetName(port.Name));
            }
        }
    }

    private static void CheckJwt(Check check, FieldPath at, Jwt jwt, HashSet<string> issuers)
    {
        if (!issuers.Add(jwt.Issuer)) check.Error(at["issuer"], $"jwt with issuer {GoText.Quote(jwt.Issuer)} already defined");
        if (jwt.Issuer.Length == 0) check.Error(at["issuer"], "issuer must be set");
        for (var i = 0; i < jwt.Audiences.Count; i++)
            if (jwt.Audiences[i].Length == 0)
                check.Error(at["audiences"][i], "audience must be non-empty string");
        if (jwt.JwksUri.Length > 0) check.Error(at["jwksUri"], KeySets.CheckUri(jwt.JwksUri));
        for (var i = 0; i < jwt.JwtHeaders.Count; i++)
            if (jwt.JwtHeaders[i].Length == 0)
                check.Error(at["jwtHeaders"][i], "location header must be non-empty string");
        for (var i = 0; i < jwt.JwtParams.Count; i++)
            if (jwt.JwtParams[i].Length == 0)
                check.Error(at["jwtParams"][i], "location query must be non-empty string");
    }
}
