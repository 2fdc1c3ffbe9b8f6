using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Standalone.Layout;
using Lateen.Standalone.Setup;
using Lateen.Standalone.Supervision;

namespace Lateen.Standalone;

/// <summary>The commands that run a whole mesh on this machine: up, down, status, and the two that up itself starts.</summary>
public static class StandaloneCommands
{
    private static readonly System.Text.Json.JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>lateen up.</summary>
    public static Command CreateUp()
    {
        var files = new Option<string[]>("-f", "--filename") { Description = "YAML files or folders to apply instead of a sample; may be given more than once", DefaultValueFactory = _ => [] };
        var sample = new Option<string>("--sample") { Description = "bookinfo or none", DefaultValueFactory = _ => "bookinfo" };
        var images = new Option<string[]>("--images") { Description = "Files that map more images to local commands", DefaultValueFactory = _ => [] };
        var capture = new Option<string>("--capture") { Description = "auto, namespaces, or proxy: nothing is captured, applications are told to use their sidecar as HTTP proxy", DefaultValueFactory = _ => "auto" };
        var detach = new Option<bool>("--detach", "-d") { Description = "Return when the mesh is ready and leave it running" };
        var (state, portBase) = (StateOption(), PortBaseOption());
        var command = new Command("up", "Run the whole mesh on this machine, with a sample") { files, sample, images, portBase, capture, state, detach };
        command.SetAction(async (parsed, _) =>
        {
            var request = new UpRequest(
                Layout(parsed.GetValue(state), parsed.GetValue(portBase)), parsed.GetValue(files)!, parsed.GetValue(sample)!, [.. parsed.GetValue(images)!.Select(Path.GetFullPath)],
                parsed.GetValue(capture)!, parsed.GetValue(detach));
            return await new CaptureChoice(request).RunAsync();
        });
        return command;
    }

    /// <summary>lateen down.</summary>
    public static Command CreateDown()
    {
        var state = StateOption();
        var command = new Command("down", "Stop the mesh and take away everything that it started") { state };
        command.SetAction(async (parsed, _) =>
        {
            var layout = Layout(parsed.GetValue(state), MeshLayout.DefaultPortBase);
            if (UserNamespace.IsNeeded && await UserNamespace.RunWithMeshAsync(layout, "down") is { } code) return code;
            var stopped = await Teardown.RunAsync(layout);
            Console.WriteLine(stopped ? "the mesh is down" : "no mesh is running");
            return CommandHost.Done;
        });
        return command;
    }

    /// <summary>lateen status.</summary>
    public static Command CreateStatus()
    {
        var state = StateOption();
        var output = new Option<string?>("-o", "--output") { Description = "json" };
        var command = new Command("status", "Say what runs") { state, output };
        command.SetAction(async (parsed, cancel) =>
        {
            var layout = Layout(parsed.GetValue(state), MeshLayout.DefaultPortBase);
            if (await MeshStatus.ReadAsync(layout, cancel) is not { } status)
            {
                await Console.Error.WriteLineAsync("no mesh is running");
                return CommandHost.Failed;
            }
            if (parsed.GetValue(output) == "json") Console.WriteLine(status.ToJsonString(Indented));
            else
            {
                Console.WriteLine($"ready      {((bool)status["ready"]! ? "yes" : "no")}\ncapture    {status["capture"]}\ngateway    {status["gateway"]?["http"]}\napi server {status["apiServer"]}\nkubeconfig {status["kubeconfig"]}");
                foreach (var process in status["processes"]!.AsArray()) Console.WriteLine($"{process!["name"],-12}{process["pid"],8}{(long)process["rssKiB"]! / 1024,6} MiB");
            }
            return CommandHost.Done;
        });
        return command;
    }

    /// <summary>The root of the process tree; started by up.</summary>
    public static Command CreateSupervisor()
    {
        var state = StateOption();
        var command = new Command("mesh-supervisor", "Keep the processes of a mesh running") { state };
        command.Hidden = true;
        command.SetAction(async (parsed, _) =>
        {
            using var signals = new ProcessSignals();
            using var logs = new LogOptions().CreateFactory();
            var folder = Path.GetFullPath(parsed.GetValue(state)!);
            var request = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "request.json")))!;
            var layout = Layout(folder, MeshLayout.DefaultPortBase);
            var images = request["images"]!.AsArray().Select(image => (string)image!).ToList();
            await new Supervisor(layout, images, logs.CreateLogger("supervisor")).RunAsync(signals.Stopping);
            return CommandHost.Done;
        });
        return command;
    }

    /// <summary>The owner of the loopback ports; started by the supervisor.</summary>
    public static Command CreateRelay()
    {
        var state = StateOption();
        var command = new Command("mesh-relay", "Carry loopback ports into the node's network") { state };
        command.Hidden = true;
        command.SetAction(async (parsed, _) =>
        {
            using var signals = new ProcessSignals();
            using var logs = new LogOptions().CreateFactory();
            var layout = Layout(parsed.GetValue(state), MeshLayout.DefaultPortBase);
            await using var endpoint = layout.HasNamespaces ? null : new GatewayEndpoint(layout.ClusterKubeconfig, logs.CreateLogger("relay"));
            var gateway = IPAddress.Parse(MeshLayout.GatewayAddress);
            RelayTarget Gateway(string port, int servicePort) => endpoint is null ? RelayTarget.Fixed(new IPEndPoint(gateway, servicePort)) : new RelayTarget($"the gateway's port {port}", () => endpoint.Find(port));
            await new Relay(
                layout.HasNamespaces ? new NetworkNamespace(layout.NamespacePrefix) : null,
                [
                    (layout.HttpPort, Gateway("http2", 80)), (layout.HttpsPort, Gateway("https", 443)),
                    (layout.ApiServerPort, RelayTarget.Fixed(new IPEndPoint(IPAddress.Parse(layout.NodeAddress), MeshLayout.ApiPort))),
                ],
                logs.CreateLogger("relay")).RunAsync(signals.Stopping);
            return CommandHost.Done;
        });
        return command;
    }

    private static MeshLayout Layout(string? state, int portBase)
    {
        var folder = Path.GetFullPath(state ?? MeshLayout.DefaultStateFolder);
        var request = Path.Combine(folder, "request.json");
        // A mesh that runs knows its ports and addresses better than the command line of another command.
        if (!File.Exists(request) || portBase != MeshLayout.DefaultPortBase) return new MeshLayout(folder, portBase);
        var said = JsonNode.Parse(File.ReadAllText(request))!;
        return new MeshLayout(folder, (int)said["portBase"]!, (string?)said["loopback"] ?? "");
    }

    private static Option<string?> StateOption() => new("--state") { Description = "Folder of the mesh's state; another folder is another mesh" };

    private static Option<int> PortBaseOption() => new("--port-base") { Description = "First loopback port; the gateway is at this plus 80", DefaultValueFactory = _ => MeshLayout.DefaultPortBase };
}
