using System.CommandLine;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Logging;
using Lateen.Foundation.Net;

namespace Lateen.Agent.Capture;

/// <summary>The command istio-iptables: captures the traffic of a pod, with 1.1's and today's flags.</summary>
public static class IptablesCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var outboundPort = new Option<int>("--envoy-port", "-p") { Description = "Port that outbound traffic goes to", DefaultValueFactory = _ => 15001 };
        var inboundPort = new Option<int>("--inbound-capture-port", "-z") { Description = "Port that inbound traffic goes to", DefaultValueFactory = _ => 15006 };
        var tunnelPort = new Option<int>("--inbound-tunnel-port", "-e") { Description = "Port of tunnelled traffic", DefaultValueFactory = _ => 15008 };
        var user = new Option<string>("--proxy-uid", "-u") { Description = "Users whose traffic is not captured", DefaultValueFactory = _ => "1337" };
        var group = new Option<string>("--proxy-gid", "-g") { Description = "Groups whose traffic is not captured; the users' numbers when not given", DefaultValueFactory = _ => "" };
        var mode = new Option<string>("--istio-inbound-interception-mode", "-m") { Description = "REDIRECT", DefaultValueFactory = _ => "REDIRECT" };
        var inboundPorts = new Option<string>("--istio-inbound-ports", "-b") { Description = "Inbound ports, or *", DefaultValueFactory = _ => "" };
        var excludedInbound = new Option<string>("--istio-local-exclude-ports", "-d") { Description = "Inbound ports that * leaves out", DefaultValueFactory = _ => "" };
        var ranges = new Option<string>("--istio-service-cidr", "-i") { Description = "Outbound address ranges, or *", DefaultValueFactory = _ => "" };
        var excludedRanges = new Option<string>("--istio-service-exclude-cidr", "-x") { Description = "Outbound address ranges that are left out", DefaultValueFactory = _ => "" };
        var outboundPorts = new Option<string>("--istio-outbound-ports", "-q") { Description = "Outbound ports that are captured whatever the address", DefaultValueFactory = _ => "" };
        var excludedOutbound = new Option<string>("--istio-local-outbound-ports-exclude", "-o") { Description = "Outbound ports that are left out", DefaultValueFactory = _ => "" };
        var interfaces = new Option<string>("--istio-exclude-interfaces", "-c") { Description = "Interfaces that are left out", DefaultValueFactory = _ => "" };
        var dryRun = new Option<bool>("--dry-run", "-n") { Description = "Print what would be done" };
        var cleanup = new Option<bool>("--cleanup-only") { Description = "Take the rules away" };
        var restoreFormat = new Option<bool>("--restore-format", "-f") { Description = "Accepted: the rules are always given to iptables-restore", DefaultValueFactory = _ => true };
        var logging = new LogOptions();
        var command = new Command("istio-iptables", "Capture the traffic of a pod")
        {
            outboundPort, inboundPort, tunnelPort, user, group, mode, inboundPorts, excludedInbound, ranges, excludedRanges, outboundPorts, excludedOutbound, interfaces, dryRun, cleanup, restoreFormat,
        };
        logging.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(mode) is not "REDIRECT") throw new CommandFailedException($"--istio-inbound-interception-mode {parsed.GetValue(mode)}: only REDIRECT is supported");
            var users = CaptureRules.Split(parsed.GetValue(user)!);
            var groups = CaptureRules.Split(parsed.GetValue(group)!);
            var config = new CaptureConfig
            {
                OutboundPort = parsed.GetValue(outboundPort),
                InboundPort = parsed.GetValue(inboundPort),
                TunnelPort = parsed.GetValue(tunnelPort),
                ProxyUsers = users,
                ProxyGroups = groups.Length > 0 ? groups : users,
                InboundPorts = Ports(parsed.GetValue(inboundPorts)!, "-b"),
                ExcludedInboundPorts = CaptureRules.Split(Ports(parsed.GetValue(excludedInbound)!, "-d")),
                OutboundRanges = Ranges(parsed.GetValue(ranges)!, "-i"),
                ExcludedOutboundRanges = CaptureRules.Split(Ranges(parsed.GetValue(excludedRanges)!, "-x")),
                IncludedOutboundPorts = CaptureRules.Split(Ports(parsed.GetValue(outboundPorts)!, "-q")),
                ExcludedOutboundPorts = CaptureRules.Split(Ports(parsed.GetValue(excludedOutbound)!, "-o")),
                ExcludedInterfaces = CaptureRules.Split(parsed.GetValue(interfaces)!),
            };
            if (parsed.GetValue(dryRun))
            {
                Console.Write(CaptureInstaller.RestoreText(config));
                return CommandHost.Done;
            }
            if (parsed.GetValue(cleanup)) await CaptureInstaller.CleanUpAsync();
            else await CaptureInstaller.InstallAsync(config);
            return CommandHost.Done;
        });
        return command;
    }

    private static string Ports(string list, string flag)
    {
        foreach (var port in CaptureRules.Split(list))
            if (port != "*" && (!ushort.TryParse(port, out var number) || number == 0))
                throw new CommandFailedException(CommandHost.BadUsage, $"{flag} {list}: '{port}' is not a port");
        return list;
    }

    private static string Ranges(string list, string flag)
    {
        foreach (var range in CaptureRules.Split(list))
            if (range != "*" && !IpPrefix.TryParse(range, out _))
                throw new CommandFailedException(CommandHost.BadUsage, $"{flag} {list}: '{range}' is not an address range");
        return list;
    }
}
