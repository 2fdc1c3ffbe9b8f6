using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>Completes the short names in a VirtualService by its own namespace (pilot/pkg/model/virtualservice.go).</summary>
internal static class ShortNames
{
    /// <summary>Changes <paramref name="rule"/>, which must be a copy.</summary>
    public static void Complete(VirtualService rule, string @namespace, string domain)
    {
        for (var i = 0; i < rule.Hosts.Count; i++) rule.Hosts[i] = Hostnames.Qualify(rule.Hosts[i], @namespace, domain);
        CompleteGateways(rule.Gateways, @namespace);
        foreach (var route in rule.Http)
        {
            foreach (var match in route.Match) CompleteGateways(match.Gateways, @namespace);
            foreach (var destination in route.Route) Complete(destination.Destination, @namespace, domain);
            Complete(route.Mirror, @namespace, domain);
            foreach (var mirror in route.Mirrors) Complete(mirror.Destination, @namespace, domain);
        }
        foreach (var route in rule.Tcp)
        {
            foreach (var match in route.Match) CompleteGateways(match.Gateways, @namespace);
            foreach (var destination in route.Route) Complete(destination.Destination, @namespace, domain);
        }
        foreach (var route in rule.Tls)
        {
            foreach (var match in route.Match) CompleteGateways(match.Gateways, @namespace);
            foreach (var destination in route.Route) Complete(destination.Destination, @namespace, domain);
        }
    }

    /// <summary>
    /// <c>name</c> and <c>./name</c> are of the own namespace; <c>name.namespace…</c> is the form of the first versions.
    /// </summary>
    public static string Gateway(string gateway, string @namespace)
    {
        if (gateway == VirtualServiceEntry.Mesh) return gateway;
        if (gateway.StartsWith("./", StringComparison.Ordinal)) return @namespace + gateway[1..];
        if (gateway.Contains('/')) return gateway;
        var parts = gateway.Split('.', 3);
        return parts.Length == 1 ? $"{@namespace}/{gateway}" : $"{parts[1]}/{parts[0]}";
    }

    private static void CompleteGateways(IList<string> gateways, string @namespace)
    {
        for (var i = 0; i < gateways.Count; i++) gateways[i] = Gateway(gateways[i], @namespace);
    }

    private static void Complete(Destination? destination, string @namespace, string domain)
    {
        if (destination != null) destination.Host = Hostnames.Qualify(destination.Host, @namespace, domain);
    }
}
