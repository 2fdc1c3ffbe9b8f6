using System.CommandLine;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Pilot.Serving;

namespace Lateen.Pilot;

/// <summary>The command pilot-discovery, with 1.1's and today's flags (inventory PIL-1, PIL-2).</summary>
public static class PilotDiscoveryCommand
{
    private const string Monitoring = "http://127.0.0.1:15014";

    /// <summary>
    /// Flags of 1.1 that say nothing here: there is no discovery cache to switch off, no plugin to leave out, no CRD that Pilot
    /// would install, no MCP message to limit, no resync where watches do not lose anything, no Go profile, no age at which a connection would be closed.
    /// </summary>
    private static readonly string[] Accepted =
    [
        "--discoveryCache", "--profile", "--plugins", "--resync", "--disable-install-crds", "--mcpMaxMsgSize", "--clusterRegistriesNamespace", "--trust-domain", "--keepaliveMaxServerConnectionAge", "--keepaliveInterval", "--keepaliveTimeout",
    ];

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("pilot-discovery", "The control plane of the proxies");
        command.Subcommands.Add(CreateDiscovery());
        command.Subcommands.Add(CreateRequest());
        command.Subcommands.Add(CreateVersion());
        return command;
    }

    private static Command CreateDiscovery()
    {
        var registries = new Option<string[]>("--registries")
        {
            Description = "Kubernetes, or Mock for files alone", DefaultValueFactory = _ => ["Kubernetes"], AllowMultipleArgumentsPerToken = true,
        };
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Finds the API server" };
        var configDir = new Option<string?>("--configDir") { Description = "Folder of Istio's objects, in place of the API server's" };
        var objectsDir = new Option<string?>("--kubeObjectsDir") { Description = "Folder of Kubernetes' objects: services, endpoints, pods, nodes" };
        var mesh = new Option<string?>("--meshConfig") { Description = "Mesh configuration file", DefaultValueFactory = _ => "/etc/istio/config/mesh" };
        var domain = new Option<string>("--domain") { Description = "DNS suffix of the cluster", DefaultValueFactory = _ => "cluster.local" };
        var @namespace = new Option<string>("--appNamespace", "-a") { Description = "The one namespace of which objects count", DefaultValueFactory = _ => "" };
        var own = new Option<string>("--namespace", "-n") { Description = "Namespace in which Pilot runs", DefaultValueFactory = _ => "istio-system" };
        var grpc = new Option<string>("--grpcAddr") { Description = "xDS in clear text", DefaultValueFactory = _ => ":15010" };
        var secure = new Option<string>("--secureGrpcAddr") { Description = "xDS over TLS; empty for none", DefaultValueFactory = _ => ":15012" };
        var certificate = new Option<string?>("--tlsCertFile", "--certFile") { Description = "Certificate of xDS over TLS; one of its own when absent" };
        var key = new Option<string?>("--tlsKeyFile", "--keyFile") { Description = "Key of that certificate" };
        var authority = new Option<string?>("--caCertFile") { Description = "Authorities of the proxies' certificates" };
        var http = new Option<string>("--httpAddr") { Description = "Readiness and debug pages", DefaultValueFactory = _ => ":8080" };
        var monitoring = new Option<string>("--monitoringAddr") { Description = "Metrics", DefaultValueFactory = _ => ":15014" };
        var logging = new LogOptions();
        var command = new Command("discovery", "Serve xDS")
        {
            registries, kubeconfig, configDir, objectsDir, mesh, domain, @namespace, own, grpc, secure, certificate, key, authority, http, monitoring,
        };
        foreach (var name in Accepted)
            command.Options.Add(new Option<string?>(name) { Description = "Of 1.1, without effect", Hidden = true, Arity = ArgumentArity.ZeroOrOne });
        logging.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            using var logs = logging.Bind(parsed).CreateFactory();
            using var signals = new ProcessSignals();
            var options = new PilotOptions
            {
                Registries = ReadRegistries(parsed.GetValue(registries)!),
                Kubeconfig = Text(parsed.GetValue(kubeconfig)),
                ConfigFolder = Folder("--configDir", parsed.GetValue(configDir)),
                KubeObjectsFolder = Folder("--kubeObjectsDir", parsed.GetValue(objectsDir)),
                MeshConfigFile = Text(parsed.GetValue(mesh)),
                Domain = parsed.GetValue(domain)!,
                Namespace = parsed.GetValue(@namespace)!,
                GrpcAddress = Address("--grpcAddr", parsed.GetValue(grpc)!),
                SecureGrpcAddress = parsed.GetValue(secure) is { Length: > 0 } address ? Address("--secureGrpcAddr", address) : "",
                RequiresSecureGrpc = parsed.GetResult(secure) is { Implicit: false },
                CertificateFile = Text(parsed.GetValue(certificate)),
                KeyFile = Text(parsed.GetValue(key)),
                AuthorityFile = Text(parsed.GetValue(authority)),
                HttpAddress = Address("--httpAddr", parsed.GetValue(http)!),
                MonitoringAddress = Address("--monitoringAddr", parsed.GetValue(monitoring)!),
                DebounceAfter = Duration("PILOT_DEBOUNCE_AFTER", 100),
                DebounceMax = Duration("PILOT_DEBOUNCE_MAX", 10_000),
            };
            if (options.CertificateFile == null != (options.KeyFile == null))
                throw new CommandFailedException(CommandHost.BadUsage, "--tlsCertFile and --tlsKeyFile go together");
            await new PilotServer(options, logs).RunAsync(signals.Stopping);
            return 0;
        });
        return command;
    }

    /// <summary>Asks the Pilot of this machine for one of its pages, as scripts do inside its container.</summary>
    private static Command CreateRequest()
    {
        var method = new Argument<string>("method") { Description = "GET, POST" };
        var path = new Argument<string>("path") { Description = "Such as /debug/syncz" };
        var body = new Argument<string?>("body") { Description = "Of the request", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("request", "Make an HTTP request to the Pilot of this machine") { method, path, body };
        command.SetAction(async (parsed, cancel) =>
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
            var target = parsed.GetValue(path)!;
            using var request = new HttpRequestMessage(HttpMethod.Parse(parsed.GetValue(method)!), $"{Monitoring}/{target.TrimStart('/')}");
            if (parsed.GetValue(body) is { } text) request.Content = new StringContent(text);
            try
            {
                using var response = await client.SendAsync(request, cancel);
                Console.WriteLine(await response.Content.ReadAsStringAsync(cancel));
                return response.IsSuccessStatusCode ? 0 : throw new CommandFailedException($"{target}: status {(int)response.StatusCode}");
            }
            catch (HttpRequestException e)
            {
                throw new CommandFailedException($"{Monitoring}: {e.Message}", e);
            }
        });
        return command;
    }

    private static Command CreateVersion()
    {
        var command = new Command("version", "Print what was built");
        command.SetAction(_ => Console.WriteLine(BuildVersion.Current));
        return command;
    }

    private static List<string> ReadRegistries(string[] values)
    {
        List<string> registries = [.. values.SelectMany(v => v.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        foreach (var registry in registries)
            if (registry is not ("Kubernetes" or "Mock")) throw new CommandFailedException(CommandHost.BadUsage, $"--registries {registry}: there are Kubernetes and Mock");
        return registries;
    }

    private static string? Text(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static string? Folder(string flag, string? value) =>
        string.IsNullOrEmpty(value) ? null : Directory.Exists(value) ? value : throw new CommandFailedException($"{flag} {value}: there is no such directory");

    private static string Address(string flag, string value)
    {
        try
        {
            Hosting.Servers.ServerListener.ParseAddress(value);
            return value;
        }
        catch (FormatException e)
        {
            throw new CommandFailedException(CommandHost.BadUsage, $"{flag}: {e.Message}");
        }
    }

    /// <summary>Milliseconds or seconds as Go writes them: 100ms, 10s.</summary>
    private static TimeSpan Duration(string variable, double fallbackMs)
    {
        var text = Environment.GetEnvironmentVariable(variable) ?? "";
        var (digits, unit) = text.EndsWith("ms", StringComparison.Ordinal) ? (text[..^2], 1.0) : text.EndsWith('s') ? (text[..^1], 1000.0) : ("", 0);
        return TimeSpan.FromMilliseconds(double.TryParse(digits, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number * unit : fallbackMs);
    }
}
