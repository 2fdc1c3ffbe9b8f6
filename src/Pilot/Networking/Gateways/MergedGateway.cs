using System.Globalization;
using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Gateways;

/// <summary>
/// All Gateway objects that select one gateway proxy, put together by port; of what cannot share a port the oldest has it
/// (pilot/pkg/model/gateway.go). Immutable.
/// </summary>
internal sealed class MergedGateway
{
    private readonly string _anyAddress;
    private readonly Dictionary<string, List<GatewayServer>> _byRoute = new(StringComparer.Ordinal);

    private MergedGateway(ProxyNode node) => _anyAddress = node.SharesLoopback ? node.Addresses[0] : "0.0.0.0";

    public IReadOnlyList<GatewayPort> Ports { get; private set; } = [];

    /// <summary>Servers that lost to others, with the reason.</summary>
    public List<string> Rejected { get; } = [];

    public bool HasAutoPassthrough => Ports.Any(p => p.Servers.Any(s => s.IsAutoPassthrough));

    public IReadOnlyList<GatewayServer> ServersOf(string routeName) => _byRoute.TryGetValue(routeName, out var servers) ? servers : [];

    public static MergedGateway Merge(Client client)
    {
        var merged = new MergedGateway(client.Node);
        var ports = new Dictionary<(int, string), List<GatewayServer>>();
        var tlsHosts = new Dictionary<(int, string), HashSet<string>>();
        foreach (var config in client.Snapshot.Gateways)
        {
            var gateway = config.As<Gateway>();
            if (!Labels.Covers((IEnumerable<KeyValuePair<string, string>>)gateway.Selector, client.Node.Labels)) continue;
            foreach (var server in gateway.Servers)
            {
                if (server.Port == null) continue;
                foreach (var port in Resolve((int)server.Port.Number, client.Targets)) merged.Add(config, server, port, ports, tlsHosts);
            }
        }
        merged.Ports = [.. ports.Select(p => new GatewayPort(p.Key.Item1, p.Key.Item2, p.Value)).OrderBy(p => p.Name, StringComparer.Ordinal)];
        return merged;
    }

    private void Add(
        ConfigObject config, Server server, int port, Dictionary<(int, string), List<GatewayServer>> ports, Dictionary<(int, string), HashSet<string>> tlsHosts)
    {
        var bind = server.Bind.Length > 0 ? server.Bind : _anyAddress;
        var added = new GatewayServer
        {
            Server = server,
            Gateway = $"{config.Namespace}/{config.Name}",
            Port = port,
            RouteName = RouteName(config, server, port),
            Hosts = [.. server.Hosts.Select(h => h.StartsWith("./", StringComparison.Ordinal) ? config.Namespace + h[1..] : h)],
        };
        if (server.Tls != null)
        {
            if (!tlsHosts.TryGetValue((port, bind), out var taken)) tlsHosts[(port, bind)] = taken = new(StringComparer.Ordinal);
            // Two filter chains of one name would make the whole listener invalid.
            if (added.IsTls && added.ServerNames.Any(taken.Contains))
            {
                Reject(added, "its hosts are another server's");
                return;
            }
            if (added.IsTls) taken.UnionWith(added.ServerNames);
        }
        if (!ports.TryGetValue((port, bind), out var servers)) ports[(port, bind)] = servers = [];
        else if (servers[0].IsTls != added.IsTls || servers[0].Protocol.IsHttp() != added.Protocol.IsHttp())
        {
            Reject(added, $"port {port} belongs to a server of another protocol");
            return;
        }
        else if (!added.IsTls && !added.Protocol.IsHttp())
        {
            Reject(added, $"port {port} belongs to another TCP server");
            return;
        }
        servers.Add(added);
        if (added.RouteName.Length == 0) return;
        if (!_byRoute.TryGetValue(added.RouteName, out var sameRoute)) _byRoute[added.RouteName] = sameRoute = [];
        sameRoute.Add(added);
    }

    private void Reject(GatewayServer server, string reason) =>
        Rejected.Add($"Gateway {server.Gateway}: the server {server.Server.Port.Name} on port {server.OwnPort} is left out: {reason}");

    /// <summary>The ports of the workload that the gateway's Service maps the port to; without such a Service the port itself.</summary>
    private static IEnumerable<int> Resolve(int port, ServiceTargets targets)
    {
        var mapped = targets.All.Where(t => t.Port.Port == port).Select(t => t.TargetPort).Distinct().Order().ToList();
        return mapped.Count > 0 ? mapped : [port];
    }

    /// <summary>Plain servers of a port share <c>http.8080</c>; each HTTPS server has its own routes.</summary>
    private static string RouteName(ConfigObject config, Server server, int port)
    {
        var protocol = PortProtocols.Parse(server.Port.Protocol);
        var bind = server.Bind.Length > 0 ? "." + server.Bind : "";
        if (protocol.IsHttp()) return string.Create(CultureInfo.InvariantCulture, $"http.{port}{bind}");
        var passes = server.Tls == null || server.Tls.Mode is ServerTLSSettings.Types.TLSmode.Passthrough or ServerTLSSettings.Types.TLSmode.AutoPassthrough;
        return protocol == PortProtocol.Https && !passes
            ? string.Create(CultureInfo.InvariantCulture, $"https.{server.Port.Number}.{server.Port.Name}.{config.Name}.{config.Namespace}{bind}")
            : "";
    }
}
