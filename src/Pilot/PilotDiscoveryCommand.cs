using System.CommandLine;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Pilot.Serving;

namespace Lateen.Pilot;

/// <summary>The command pilot-discovery, with 1.1's and today's flags (inventory PIL-1, PIL-2).</summary>
public static class PilotDiscoveryCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("pilot-discovery", "The control plane of the proxies");
        command.Subcommands.Add(CreateDiscovery());
        return command;
    }

    private static Command CreateDiscovery()
    {
        var registries = new Option<string[]>("--registries") { Description = "Kubernetes", DefaultValueFactory = _ => ["Kubernetes"] };
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Finds the API server" };
        var mesh = new Option<string?>("--meshConfig") { Description = "Mesh configuration file", DefaultValueFactory = _ => "/etc/istio/config/mesh" };
        var domain = new Option<string>("--domain") { Description = "DNS suffix of the cluster", DefaultValueFactory = _ => "cluster.local" };
        var grpc = new Option<string>("--grpcAddr") { Description = "xDS in clear text", DefaultValueFactory = _ => ":15010" };
        var secure = new Option<string>("--secureGrpcAddr") { Description = "xDS over TLS; not there yet", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
        var http = new Option<string>("--httpAddr") { Description = "Readiness and debug pages", DefaultValueFactory = _ => ":8080" };
        var monitoring = new Option<string>("--monitoringAddr") { Description = "Metrics", DefaultValueFactory = _ => ":15014" };
        var logging = new LogOptions();
        var command = new Command("discovery", "Serve xDS") { registries, kubeconfig, mesh, domain, grpc, secure, http, monitoring };
        logging.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            using var logs = logging.Bind(parsed).CreateFactory();
            using var signals = new ProcessSignals();
            var options = new PilotOptions(
                parsed.GetValue(kubeconfig), parsed.GetValue(mesh), parsed.GetValue(domain)!, parsed.GetValue(grpc)!, parsed.GetValue(http)!, parsed.GetValue(monitoring)!,
                Duration("PILOT_DEBOUNCE_AFTER", 100), Duration("PILOT_DEBOUNCE_MAX", 10_000));
            await new PilotServer(options, logs).RunAsync(signals.Stopping);
            return 0;
        });
        return command;
    }

    /// <summary>Milliseconds or seconds as Go writes them: 100ms, 10s.</summary>
    private static TimeSpan Duration(string variable, double fallbackMs)
    {
        var text = Environment.GetEnvironmentVariable(variable) ?? "";
        var (digits, unit) = text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 1.0) : text.EndsWith('s') ? (text[..^1], 1000.0) : ("", 0);
        return TimeSpan.FromMilliseconds(double.TryParse(digits, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number * unit : fallbackMs);
    }
}
