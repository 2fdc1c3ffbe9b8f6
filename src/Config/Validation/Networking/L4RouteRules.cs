using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Routes of TLS by name, and of plain TCP.</summary>
internal static class L4RouteRules
{
    public static void ValidateTls(Check check, FieldPath at, TLSRoute route, VirtualService service)
    {
        if (route.Match.Count == 0) check.Error(at["match"], "TLS route must have at least one match condition");
        for (var i = 0; i < route.Match.Count; i++)
        {
            var (match, path) = (route.Match[i], at["match"][i]);
            if (match.SniHosts.Count == 0) check.Error(path["sniHosts"], "TLS match must have at least one SNI host");
            for (var j = 0; j < match.SniHosts.Count; j++) CheckSni(check, path["sniHosts"][j], match.SniHosts[j], service);
            Subnets(check, path["destinationSubnets"], match.DestinationSubnets);
            if (match.Port != 0) check.Error(path["port"], Addresses.CheckPort(match.Port));
            LabelSyntax.Validate(check, path["sourceLabels"], match.SourceLabels);
            VirtualServiceRules.GatewayNames(check, path["gateways"], match.Gateways);
        }
        if (route.Route.Count == 0 && !check.Original) check.Error(at["route"], "TLS route is required");
        Destinations.ValidateWeighted(check, at["route"], route.Route);
    }

    public static void ValidateTcp(Check check, FieldPath at, TCPRoute route)
    {
        for (var i = 0; i < route.Match.Count; i++)
        {
            var (match, path) = (route.Match[i], at["match"][i]);
            Subnets(check, path["destinationSubnets"], match.DestinationSubnets);
            if (check.Original && match.SourceSubnet.Length > 0) check.Error(path["sourceSubnet"], Addresses.CheckSubnet(match.SourceSubnet, original: true));
            if (match.Port != 0) check.Error(path["port"], Addresses.CheckPort(match.Port));
            LabelSyntax.Validate(check, path["sourceLabels"], match.SourceLabels);
            VirtualServiceRules.GatewayNames(check, path["gateways"], match.Gateways);
        }
        if (route.Route.Count == 0 && !check.Original) check.Error(at["route"], "TCP route is required");
        Destinations.ValidateWeighted(check, at["route"], route.Route);
    }

    private static void Subnets(Check check, FieldPath at, IList<string> subnets)
    {
        for (var i = 0; i < subnets.Count; i++) check.Error(at[i], Addresses.CheckSubnet(subnets[i], check.Original));
    }

    private static void CheckSni(Check check, FieldPath at, string host, VirtualService service)
    {
        var problem = !check.Original && VirtualServiceRules.IsGateway(service)
            ? DnsNames.CheckGatewayDomain(host, isSni: true)
            : DnsNames.CheckWildcardDomain(host, check.Original);
        if (problem is not null && !Addresses.IsIp(host))
        {
            check.Error(at, problem);
            return;
        }
        if (problem is not null && !check.Original)
        {
            check.Warn(at, $"using an IP address ({GoText.Quote(host)}) goes against SNI spec and most clients do not support this");
            return;
        }
        if (!service.Hosts.Any(outer => DnsNames.Covers(outer, host)))
            check.Error(at, $"SNI host {GoText.Quote(host)} is not a compatible subset of any of the virtual service hosts: [{string.Join(", ", service.Hosts)}]");
    }
}
