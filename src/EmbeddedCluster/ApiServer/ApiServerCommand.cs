using System.CommandLine;
using System.Net;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;

namespace Lateen.EmbeddedCluster.ApiServer;

/// <summary>The command cluster-apiserver.</summary>
public static class ApiServerCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var data = new Option<string>("--data-dir") { Description = "folder of the cluster's state and keys", Required = true };
        var bind = new Option<string>("--bind-address") { Description = "address to listen on", DefaultValueFactory = _ => "127.0.0.1" };
        var port = new Option<int>("--secure-port") { Description = "HTTPS port to listen on", DefaultValueFactory = _ => 6443 };
        var advertise = new Option<string?>("--advertise-address") { Description = "address under which the cluster reaches the server" };
        var range = new Option<string>("--service-cidr") { Description = "range of the services' cluster addresses", DefaultValueFactory = _ => "10.96.0.0/16" };
        var kubeconfig = new Option<string?>("--kubeconfig-out") { Description = "file to write the administrator's kubeconfig to" };
        var server = new Option<string?>("--kubeconfig-server") { Description = "server URL to put into the kubeconfig" };
        var names = new Option<string[]>("--tls-san") { Description = "another name or address for the server's certificate" };
        var node = new Option<string?>("--node-ip") { Description = "address of the node, for the server's certificate" };
        var namespaces = new Option<string[]>("--create-namespace") { Description = "another namespace to make at the start" };
        var balancer = new Option<string>("--load-balancer-ip") { Description = "address that services of type LoadBalancer get", DefaultValueFactory = _ => "127.0.0.1" };
        var controllers = new Option<bool>("--controllers") { Description = "run the controllers in this process", DefaultValueFactory = _ => true };
        var logging = new LogOptions();
        var command = new Command("cluster-apiserver", "Serve the Kubernetes API of the embedded cluster")
        {
            data, bind, port, advertise, range, kubeconfig, server, names, node, namespaces, balancer, controllers,
        };
        logging.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            logging.Bind(parsed);
            var options = new ApiServerOptions
            {
                DataDirectory = Path.GetFullPath(parsed.GetValue(data)!),
                BindAddress = ParseAddress(parsed.GetValue(bind)!, "--bind-address"),
                SecurePort = parsed.GetValue(port),
                AdvertiseAddress = parsed.GetValue(advertise) is { } text ? ParseAddress(text, "--advertise-address") : null,
                ServiceRange = parsed.GetValue(range)!,
                KubeconfigOut = parsed.GetValue(kubeconfig),
                KubeconfigServer = parsed.GetValue(server),
                ExtraNames = [.. parsed.GetValue(names) ?? [], .. parsed.GetValue(node) is { } address ? [address] : (string[])[]],
                Namespaces = parsed.GetValue(namespaces) ?? [],
                LoadBalancerAddress = parsed.GetValue(balancer)!,
                Controllers = parsed.GetValue(controllers),
            };
            using var loggers = LogScopes.CreateFactory(logging);
            await RunAsync(options, loggers, cancel).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task RunAsync(ApiServerOptions options, Microsoft.Extensions.Logging.ILoggerFactory loggers, CancellationToken cancel)
    {
        using var signals = new ProcessSignals();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, signals.Stopping);
        await using var server = await StartAsync(options, loggers).ConfigureAwait(false);
        await Console.Out.WriteLineAsync($"serving on https://{server.Endpoint}").ConfigureAwait(false);
        try
        {
            await Task.Delay(Timeout.Infinite, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }
    }

    private static async Task<ClusterApiServer> StartAsync(ApiServerOptions options, Microsoft.Extensions.Logging.ILoggerFactory loggers)
    {
        try
        {
            return await ClusterApiServer.StartAsync(options, loggers).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or FormatException or UnauthorizedAccessException or Microsoft.Data.Sqlite.SqliteException)
        {
            throw new CommandFailedException($"cannot start the API server on {options.BindAddress}:{options.SecurePort} with {options.DataDirectory}: {failure.Message}", failure);
        }
    }

    private static IPAddress ParseAddress(string text, string flag) =>
        IPAddress.TryParse(text, out var address) ? address : throw new CommandFailedException(CommandHost.BadUsage, $"{flag}: {text} is no address");
}
