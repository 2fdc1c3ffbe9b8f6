using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>VirtualService: hosts, gateways and the three lists of routes.</summary>
internal static class VirtualServiceRules
{
    private const string Mesh = "mesh";

    public static void Validate(Check check)
    {
        var service = check.Object.As<VirtualService>();
        var spec = FieldPath.Spec;
        if (service.Hosts.Count == 0) CheckNoHosts(check, spec, service);

        var toGateway = !check.Original && service.Gateways.Count > 0 && IsGateway(service);
        var toMesh = service.Gateways.Count == 0 || !IsGateway(service);
        GatewayNames(check, spec["gateways"], service.Gateways);
        if (!toGateway && !check.Original) CheckClaims(check, spec["http"], service);
        CheckHosts(check, spec["hosts"], service, toGateway, toMesh);

        if (service.Http.Count + service.Tcp.Count + service.Tls.Count == 0) check.Error(spec, "http, tcp or tls must be provided in virtual service");
        for (var i = 0; i < service.Http.Count; i++) HttpRouteRules.Validate(check, spec["http"][i], service.Http[i], isDelegate: service.Hosts.Count == 0);
        for (var i = 0; i < service.Tls.Count; i++) L4RouteRules.ValidateTls(check, spec["tls"][i], service.Tls[i], service);
        for (var i = 0; i < service.Tcp.Count; i++) L4RouteRules.ValidateTcp(check, spec["tcp"][i], service.Tcp[i]);
        Exports.Validate(check, spec["exportTo"], service.ExportTo);
        if (!check.Original) UnreachableRoutes.Warn(check, spec, service);
    }

    /// <summary>Whether sidecars do not take it: also true without gateways, where only SNI checks ask.</summary>
    public static bool IsGateway(VirtualService service) => !service.Gateways.Contains(Mesh);

    /// <summary><c>namespace/name</c>, <c>mesh</c>, or the old form with dots.</summary>
    public static void GatewayNames(Check check, FieldPath at, IList<string> names)
    {
        for (var i = 0; i < names.Count; i++)
        {
            var name = names[i];
            var slash = name.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0)
            {
                if (!check.Original && name.Split('.') is { Length: > 1 } parts)
                    check.Warn(at[i], $"using legacy gatewayName format {GoText.Quote(name)}; prefer the <namespace>/<name> format: {GoText.Quote($"{parts[1]}/{parts[0]}")}");
                check.Error(at[i], DnsNames.CheckFqdn(name, check.Original));
                // parity: validateGatewayNames judges nothing that follows a name without a slash, "mesh" among them.
                return;
            }
            var (ns, gateway) = (name[..slash], name[(slash + 1)..]);
            if (ns.Length == 0 || gateway.Length == 0) check.Error(at[i], "config namespace and gateway name cannot be empty");
            if (!DnsNames.IsLabel(ns)) check.Error(at[i], $"invalid value for namespace: {GoText.Quote(ns)}");
            if (!DnsNames.IsLabel(gateway)) check.Error(at[i], $"invalid value for gateway name: {GoText.Quote(gateway)}");
        }
    }

    /// <summary>Today a service without hosts is a delegate; 1.1 had none.</summary>
    private static void CheckNoHosts(Check check, FieldPath spec, VirtualService service)
    {
        if (check.Original)
        {
            check.Error(spec["hosts"], "virtual service must have at least one host");
            return;
        }
        if (service.Gateways.Count > 0) check.Error(spec["gateways"], "delegate virtual service must have no gateways specified");
        if (service.Tls.Count > 0) check.Error(spec["tls"], "delegate virtual service must have no tls route specified");
        if (service.Tcp.Count > 0) check.Error(spec["tcp"], "delegate virtual service must have no tcp route specified");
    }

    private static void CheckClaims(Check check, FieldPath http, VirtualService service)
    {
        for (var i = 0; i < service.Http.Count; i++)
        {
            for (var j = 0; j < service.Http[i].Match.Count; j++)
            {
                var match = service.Http[i].Match[j];
                var at = http[i]["match"][j];
                foreach (var name in match.Headers.Keys) Claim(at["headers"].Key(name), name);
                foreach (var name in match.WithoutHeaders.Keys) Claim(at["withoutHeaders"].Key(name), name);
            }
        }

        void Claim(FieldPath at, string name)
        {
            if (HeaderSyntax.IsClaim(name))
                check.Error(at, $"JWT claim based routing (key: {name}) is only supported for gateway, found no gateways: {GoText.List(service.Gateways)}");
        }
    }

    private static void CheckHosts(Check check, FieldPath at, VirtualService service, bool toGateway, bool toMesh)
    {
        var hosts = service.Hosts;
        var valid = true;
        var hasSni = service.Tls.Any(route => route.Match.Any(match => match.SniHosts.Count > 0));
        for (var i = 0; i < hosts.Count; i++)
        {
            var problem = toGateway ? DnsNames.CheckGatewayDomain(hosts[i], hasSni) : DnsNames.CheckWildcardDomain(hosts[i], check.Original);
            if (problem is null && toMesh && hosts[i] == "*") problem = "wildcard host * is not allowed for virtual services bound to the mesh gateway";
            else if (problem is not null && Addresses.IsIp(hosts[i])) problem = null;
            check.Error(at[i], problem);
            valid &= problem is null;
        }
        if (!valid) return;
        for (var i = 0; i < hosts.Count; i++)
            for (var j = i + 1; j < hosts.Count; j++)
                if (DnsNames.Overlap(hosts[i], hosts[j]))
                    check.Error(at[j], $"duplicate hosts in virtual service: {hosts[i]} & {hosts[j]}");
    }
}
