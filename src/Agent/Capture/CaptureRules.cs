namespace Lateen.Agent.Capture;

/// <summary>
/// The rules of the nat table, in the order in which the kernel is to try them, without the table's name. Pure. Source: istio-iptables
/// 1.30: a service that calls itself goes through its proxy once, by way of 127.0.0.6.
/// </summary>
public static class CaptureRules
{
    /// <summary>Chains that the rules need.</summary>
    public static readonly IReadOnlyList<string> Chains = ["ISTIO_INBOUND", "ISTIO_REDIRECT", "ISTIO_IN_REDIRECT", "ISTIO_OUTPUT"];

    /// <summary>Chains of the kernel that the rules hang on.</summary>
    public static readonly IReadOnlyList<string> Hooks = ["PREROUTING", "OUTPUT"];

    /// <summary>Address from which the proxy connects to its own application.</summary>
    public const string PassthroughAddress = "127.0.0.6/32";

    /// <summary>The rules in iptables' own words, such as <c>-A OUTPUT -j ISTIO_OUTPUT</c>.</summary>
    public static IReadOnlyList<string> Build(CaptureConfig config)
    {
        var rules = new List<string>();
        foreach (var name in config.ExcludedInterfaces)
        {
            rules.Add($"-A PREROUTING -i {name} -j RETURN");
            rules.Add($"-A OUTPUT -o {name} -j RETURN");
        }
        rules.Add($"-A ISTIO_INBOUND -p tcp --dport {config.TunnelPort} -j RETURN");
        rules.Add($"-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports {config.OutboundPort}");
        rules.Add($"-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports {config.InboundPort}");
        Inbound(config, rules);
        Outbound(config, rules);
        return rules;
    }

    private static void Inbound(CaptureConfig config, List<string> rules)
    {
        if (config.InboundPorts.Length == 0) return;
        rules.Add("-A PREROUTING -p tcp -j ISTIO_INBOUND");
        if (config.InboundPorts == "*")
        {
            foreach (var port in config.ExcludedInboundPorts) rules.Add($"-A ISTIO_INBOUND -p tcp --dport {port} -j RETURN");
            rules.Add("-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT");
            return;
        }
        foreach (var port in Split(config.InboundPorts)) rules.Add($"-A ISTIO_INBOUND -p tcp --dport {port} -j ISTIO_IN_REDIRECT");
    }

    private static void Outbound(CaptureConfig config, List<string> rules)
    {
        rules.Add("-A OUTPUT -j ISTIO_OUTPUT");
        foreach (var port in config.ExcludedOutboundPorts) rules.Add($"-A ISTIO_OUTPUT -p tcp --dport {port} -j RETURN");
        // What the proxy passes on to its own application is not sent round again.
        rules.Add($"-A ISTIO_OUTPUT -o lo -s {PassthroughAddress} -j RETURN");
        foreach (var user in config.ProxyUsers) Owner(rules, "uid", user, config.TunnelPort);
        foreach (var group in config.ProxyGroups) Owner(rules, "gid", group, config.TunnelPort);
        rules.Add("-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN");
        foreach (var range in config.ExcludedOutboundRanges) rules.Add($"-A ISTIO_OUTPUT -d {range} -j RETURN");
        foreach (var port in config.IncludedOutboundPorts) rules.Add($"-A ISTIO_OUTPUT -p tcp --dport {port} -j ISTIO_REDIRECT");
        if (config.OutboundRanges == "*") rules.Add("-A ISTIO_OUTPUT -j ISTIO_REDIRECT");
        else
            foreach (var range in Split(config.OutboundRanges)) rules.Add($"-A ISTIO_OUTPUT -d {range} -j ISTIO_REDIRECT");
    }

    private static void Owner(List<string> rules, string kind, string id, int tunnelPort)
    {
        // The proxy calls its own service: in again, as from outside. The application calls itself by localhost: not captured.
        rules.Add($"-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport {tunnelPort} -m owner --{kind}-owner {id} -j ISTIO_IN_REDIRECT");
        rules.Add($"-A ISTIO_OUTPUT -o lo -m owner ! --{kind}-owner {id} -j RETURN");
        rules.Add($"-A ISTIO_OUTPUT -m owner --{kind}-owner {id} -j RETURN");
    }

    internal static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
