using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Lateen.EmbeddedCluster.ServiceProxy;

/// <summary>Writes the node's packet rules in the format of iptables-restore: service addresses to endpoints. Pure.</summary>
/// <remarks>
/// The same shape as kube-proxy's: one chain for all services, one a service port that picks an endpoint by chance, one an endpoint.
/// The node's namespace belongs to the mesh alone, so the two tables are replaced whole, each at once.
/// </remarks>
internal static class ServiceRules
{
    /// <summary>Marks packets whose sender has to become the node.</summary>
    private const string Masquerade = "0x4000/0x4000";

    /// <summary>Writes the nat and filter tables.</summary>
    /// <param name="ports">All services' ports.</param>
    /// <param name="serviceRange">The range of service addresses; what is sent to a free one is refused at once.</param>
    public static string Build(IEnumerable<ProxiedPort> ports, string serviceRange)
    {
        var chains = new StringBuilder();
        var services = new StringBuilder();
        var nodePorts = new StringBuilder();
        var endpoints = new StringBuilder();
        var refusals = new StringBuilder();
        foreach (var port in ports.OrderBy(port => port.Name, StringComparer.Ordinal))
        {
            if (port.Endpoints.Count == 0)
            {
                foreach (var address in port.Addresses) Line(refusals, $"-A LATEEN-REFUSALS -d {address}/32 {Match(port, port.Port)} {Comment(port)} {Refusal(port)}");
                continue;
            }
            var chain = "SVC-" + Hash(port.Name + port.Protocol);
            Line(chains, $":{chain} - [0:0]");
            foreach (var address in port.Addresses) Line(services, $"-A LATEEN-SERVICES -d {address}/32 {Match(port, port.Port)} {Comment(port)} -j {chain}");
            if (port.NodePort != 0) Line(nodePorts, $"-A LATEEN-NODEPORTS {Match(port, port.NodePort)} {Comment(port)} -j {chain}");
            AppendEndpoints(chains, endpoints, port, chain);
        }
        return $"""
            *nat
            :PREROUTING ACCEPT [0:0]
            :INPUT ACCEPT [0:0]
            :OUTPUT ACCEPT [0:0]
            :POSTROUTING ACCEPT [0:0]
            :LATEEN-SERVICES - [0:0]
            :LATEEN-NODEPORTS - [0:0]
            {chains}-A PREROUTING -j LATEEN-SERVICES
            -A OUTPUT -j LATEEN-SERVICES
            -A POSTROUTING -m mark --mark {Masquerade} -j MASQUERADE
            {services}-A LATEEN-SERVICES -m addrtype --dst-type LOCAL -j LATEEN-NODEPORTS
            {nodePorts}{endpoints}COMMIT
            *filter
            :INPUT ACCEPT [0:0]
            :FORWARD ACCEPT [0:0]
            :OUTPUT ACCEPT [0:0]
            :LATEEN-REFUSALS - [0:0]
            -A FORWARD -d {serviceRange} -j LATEEN-REFUSALS
            -A OUTPUT -d {serviceRange} ! -o lo -j LATEEN-REFUSALS
            {refusals}-A LATEEN-REFUSALS -p tcp -j REJECT --reject-with tcp-reset
            -A LATEEN-REFUSALS -j REJECT
            COMMIT

            """;
    }

    private static void AppendEndpoints(StringBuilder chains, StringBuilder rules, ProxiedPort port, string chain)
    {
        var targets = port.Endpoints
            .OrderBy(endpoint => endpoint.ToString(), StringComparer.Ordinal)
            .Select(endpoint => (Endpoint: endpoint, Chain: "SEP-" + Hash(port.Name + port.Protocol + endpoint)))
            .ToArray();
        if (port.AffinitySeconds > 0)
            foreach (var (_, target) in targets)
                Line(rules, $"-A {chain} -m recent --name {target} --rcheck --seconds {port.AffinitySeconds} --reap -j {target}");
        for (var i = 0; i < targets.Length; i++)
        {
            // Each rule sees only what those before it left: one in three, then one in two, then the rest.
            var chance = i == targets.Length - 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" -m statistic --mode random --probability {1.0 / (targets.Length - i):0.0000000000}");
            var (endpoint, target) = targets[i];
            Line(chains, $":{target} - [0:0]");
            Line(rules, $"-A {chain}{chance} -j {target}");
            // A pod that is answered by itself has to see another sender, or it would drop its own packet.
            Line(rules, $"-A {target} -s {endpoint.Address}/32 -j MARK --set-xmark {Masquerade}");
            var remember = port.AffinitySeconds > 0 ? $" -m recent --name {target} --set" : "";
            Line(rules, $"-A {target} -p {port.Protocol}{remember} -j DNAT --to-destination {endpoint}");
        }
    }

    private static string Match(ProxiedPort port, int number) => string.Create(CultureInfo.InvariantCulture, $"-p {port.Protocol} -m {port.Protocol} --dport {number}");

    private static string Comment(ProxiedPort port) => $"-m comment --comment \"{port.Name}\"";

    private static string Refusal(ProxiedPort port) => port.Protocol == "tcp" ? "-j REJECT --reject-with tcp-reset" : "-j REJECT";

    // Chain names have at most 28 characters.
    private static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
