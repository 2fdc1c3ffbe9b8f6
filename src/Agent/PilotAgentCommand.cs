using System.CommandLine;
using System.Text.Json.Nodes;
using Lateen.Agent.Bootstrap;
using Lateen.Agent.Capture;
using Lateen.Agent.Status;
using Lateen.Agent.Supervision;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Foundation.Yaml;

namespace Lateen.Agent;

/// <summary>The command pilot-agent: writes the bootstrap, runs and watches the proxy, answers for its health. 1.1's and today's flags.</summary>
public static class PilotAgentCommand
{
    // What Istio's settings say where nobody chose a proxy: here that is our own.
    private const string PathInIstiosImage = "/usr/local/bin/envoy";

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("pilot-agent", "Run and watch the proxy of a pod");
        command.Subcommands.Add(CreateProxy());
        command.Subcommands.Add(RequestCommand.Create());
        command.Subcommands.Add(IptablesCommand.Create());
        return command;
    }

    private static Command CreateProxy()
    {
        var role = new Argument<string>("role") { Description = "sidecar or router", DefaultValueFactory = _ => "sidecar" };
        var domain = new Option<string?>("--domain") { Description = "Domain of the workload's namespace" };
        var level = new Option<string>("--proxyLogLevel") { Description = "Log level of the proxy", DefaultValueFactory = _ => "warning" };
        var componentLevel = new Option<string?>("--proxyComponentLogLevel") { Description = "Log levels of parts of the proxy" };
        var concurrency = new Option<int?>("--concurrency") { Description = "Workers of the proxy" };
        var configPath = new Option<string?>("--configPath") { Description = "Folder for the bootstrap" };
        var binaryPath = new Option<string?>("--binaryPath") { Description = "The proxy; any that takes Envoy's flags" };
        var bootstrapOnly = new Option<bool>("--bootstrap-only") { Description = "Write the bootstrap to standard output and end" };
        var discovery = new Option<string?>("--discoveryAddress") { Description = "host:port of the control plane" };
        var statusPort = new Option<int?>("--statusPort") { Description = "Port of the agent" };
        var drain = new Option<string?>("--drainDuration") { Description = "Accepted for compatibility" };
        var podInfo = new Option<string>("--podInfo") { Description = "Folder of the downward API's files", DefaultValueFactory = _ => "/etc/istio/pod" };
        var ignored = new[]
        {
            "--parentShutdownDuration", "--connectTimeout", "--serviceCluster", "--zipkinAddress", "--proxyAdminPort", "--controlPlaneAuthPolicy", "--discoveryRefreshDelay", "--applicationPorts", "--statsdUdpAddress",
            "--trust-domain", "--serviceregistry", "--ip", "--id", "--meshConfig", "--templateFile", "--controlPlaneBootstrap", "--mixerIdentity", "--stsPort", "--tokenManagerPlugin", "--outlierLogPath",
        };
        var logging = new LogOptions();
        var command = new Command("proxy", "Run the proxy") { role, domain, level, componentLevel, concurrency, configPath, binaryPath, bootstrapOnly, discovery, statusPort, drain, podInfo };
        foreach (var name in ignored) command.Options.Add(new Option<string?>(name) { Hidden = true });
        logging.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(role) is not ("sidecar" or "router")) throw new CommandFailedException(CommandHost.BadUsage, $"the role '{parsed.GetValue(role)}' is neither sidecar nor router");
            var proxyConfig = ReadProxyConfig(Environment.GetEnvironmentVariable("PROXY_CONFIG"));
            var variables = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
            var node = NodeIdentity.Read(parsed.GetValue(role)!, parsed.GetValue(domain), proxyConfig, Environment.GetEnvironmentVariable, variables, parsed.GetValue(podInfo)!);
            var port = parsed.GetValue(statusPort) ?? (int?)proxyConfig["statusPort"] ?? 15020;
            var address = parsed.GetValue(discovery) ?? (string?)proxyConfig["discoveryAddress"] ?? "istio-pilot.istio-system.svc:15010";
            var bootstrap = BootstrapWriter.Write(node, address, port).ToJsonString(AgentJson.Indented);
            if (parsed.GetValue(bootstrapOnly))
            {
                Console.WriteLine(bootstrap);
                return CommandHost.Done;
            }
            using var logs = logging.Bind(parsed).CreateFactory();
            var log = logs.CreateLogger("default");
            using var signals = new ProcessSignals();
            using var quit = CancellationTokenSource.CreateLinkedTokenSource(signals.Stopping);
            var folder = parsed.GetValue(configPath) ?? (string?)proxyConfig["configPath"] ?? "/etc/istio/proxy";
            Directory.CreateDirectory(folder);
            var file = Path.Combine(folder, "envoy-rev0.json");
            await File.WriteAllTextAsync(file, bootstrap);
            var admin = $"http://{node.AdminAddress}:15000";
            var annotations = node.Metadata["ANNOTATIONS"]!.AsObject();
            await using var status = new StatusServer(node.OwnAddress, port, admin, name => (string?)annotations[name], quit.Cancel, log);
            status.Start();
            var workers = parsed.GetValue(concurrency) ?? (int?)proxyConfig["concurrency"] ?? 2;
            List<string> arguments = ["-c", file, "--concurrency", $"{workers}", "--log-level", parsed.GetValue(level)!, "--restart-epoch", "0", "--drain-time-s", "45"];
            if (parsed.GetValue(componentLevel) is { Length: > 0 } parts) arguments.AddRange(["--component-log-level", parts]);
            string[] program = (parsed.GetValue(binaryPath) ?? (string?)proxyConfig["binaryPath"]) is { Length: > 0 } binary && binary != PathInIstiosImage ? [binary] : [Environment.ProcessPath!, "proxy"];
            await new ProxySupervisor([.. program, .. arguments], admin, DrainTime(proxyConfig), status, log).RunAsync(quit.Token);
            return CommandHost.Done;
        });
        return command;
    }

    private static JsonObject ReadProxyConfig(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return [];
        return YamlReader.ReadAll(text, "PROXY_CONFIG") switch
        {
            [{ Root: JsonObject config }, ..] => config,
            [{ Error: { } error }, ..] => throw new CommandFailedException($"PROXY_CONFIG: {error}"),
            _ => [],
        };
    }

    /// <summary>terminationDrainDuration of the proxy's settings; 5 s when it says nothing.</summary>
    private static TimeSpan DrainTime(JsonObject proxyConfig) =>
        (string?)proxyConfig["terminationDrainDuration"] is { } text && text.EndsWith('s') && double.TryParse(text[..^1], System.Globalization.CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromSeconds(5);
}
