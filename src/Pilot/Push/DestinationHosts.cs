using Istio.Networking.V1Alpha3;

namespace Lateen.Pilot.Push;

/// <summary>The hosts to which the routes of a rule may lead, for a client of some namespace.</summary>
internal static class DestinationHosts
{
    public static IReadOnlyCollection<string> Of(VirtualServiceEntry rule, string clientNamespace) =>
        rule.Generated.Get(("destinations", clientNamespace), (rule.Spec, clientNamespace), static s => Find(s.Spec, s.clientNamespace));

    private static HashSet<string> Find(VirtualService rule, string clientNamespace)
    {
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var route in rule.Http)
        {
            if (!Concerns(route.Match.Select(m => m.SourceNamespace))) continue;
            foreach (var destination in route.Route) Add(destination.Destination);
            Add(route.Mirror);
            foreach (var mirror in route.Mirrors) Add(mirror.Destination);
        }
        foreach (var route in rule.Tcp)
            if (Concerns(route.Match.Select(m => m.SourceNamespace)))
                foreach (var destination in route.Route) Add(destination.Destination);
        foreach (var route in rule.Tls)
            if (Concerns(route.Match.Select(m => m.SourceNamespace)))
                foreach (var destination in route.Route) Add(destination.Destination);
        return hosts;

        void Add(Destination? destination)
        {
            if (destination?.Host is { Length: > 0 } host) hosts.Add(host);
        }

        bool Concerns(IEnumerable<string> namespaces)
        {
            var any = true;
            foreach (var wanted in namespaces)
            {
                if (wanted.Length == 0 || wanted == clientNamespace) return true;
                any = false;
            }
            return any;
        }
    }
}
