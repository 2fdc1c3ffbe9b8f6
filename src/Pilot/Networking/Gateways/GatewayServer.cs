using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Gateways;

/// <summary>One server of a Gateway object on one port of a gateway proxy. Immutable.</summary>
internal sealed record GatewayServer
{
    public required Server Server { get; init; }

    /// <summary><c>namespace/name</c> of the Gateway object.</summary>
    public required string Gateway { get; init; }

    /// <summary>The port on which the proxy listens, which the gateway's Service may map.</summary>
    public required int Port { get; init; }

    /// <summary>The name of its route configuration; empty for what has none.</summary>
    public required string RouteName { get; init; }

    /// <summary><c>namespace/host</c> or host alone.</summary>
    public required IReadOnlyList<string> Hosts { get; init; }

    /// <summary>The port that the operator wrote.</summary>
    public int OwnPort => (int)Server.Port.Number;

    public PortProtocol Protocol => PortProtocols.Parse(Server.Port.Protocol);

    /// <summary>Whether connections are encrypted; a redirect to HTTPS alone does not make them so.</summary>
    public bool IsTls => Server.Tls != null && !Protocol.IsHttp();

    public bool PassesThrough => IsTls && Server.Tls.Mode is ServerTLSSettings.Types.TLSmode.Passthrough or ServerTLSSettings.Types.TLSmode.AutoPassthrough;

    public bool IsAutoPassthrough => IsTls && Server.Tls.Mode == ServerTLSSettings.Types.TLSmode.AutoPassthrough;

    /// <summary>Whether it must end TLS itself, for which the proxies have no certificates yet.</summary>
    public bool Terminates => IsTls && !PassesThrough;

    public bool RedirectsToHttps => Server.Tls?.HttpsRedirect == true;

    /// <summary>The hosts that rules of a namespace may have here.</summary>
    public List<string> HostsFor(string @namespace)
    {
        List<string> hosts = [];
        foreach (var host in Hosts)
        {
            var slash = host.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0) hosts.Add(host);
            else if (host.AsSpan(0, slash) is "*" || host.AsSpan(0, slash).SequenceEqual(@namespace)) hosts.Add(host[(slash + 1)..]);
        }
        return hosts;
    }

    /// <summary>The names by which clients of TLS ask for it.</summary>
    public IEnumerable<string> ServerNames => Hosts.Select(h => h[(h.IndexOf('/', StringComparison.Ordinal) + 1)..]).Distinct();
}

/// <summary>All servers that share a port and address. Immutable.</summary>
internal sealed record GatewayPort(int Number, string Bind, IReadOnlyList<GatewayServer> Servers)
{
    public string Name => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Bind}_{Number}");
    public bool IsHttp => Servers[0].Protocol.IsHttp();
}
