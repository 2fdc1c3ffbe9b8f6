using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Logging;
using Lateen.Standalone.Layout;
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
        var capture = new Option<string>("--capture") { Description = "auto or namespaces", DefaultValueFactory = _ => "auto" };
        var detach = new Option<bool>("--detach", "-d") { Description = "Return when the mesh is ready and leave it running" };
        var (state, portBase) = (StateOption(), PortBaseOption());
        var command = new Command("up", "Run the whole mesh on this machine, with a sample") { files, sample, images, portBase, capture, state, detach };
        command.SetAction(async (parsed, _) =>
        {
            var request = new UpRequest(
                Layout(parsed.GetValue(state), parsed.GetValue(portBase)), parsed.GetValue(files)!, parsed.GetValue(sample)!, [.. parsed.GetValue(images)!.Select(Path.GetFullPath)],
                parsed.GetValue(capture)!, parsed.GetValue(detach));
            await new MeshUp(request).RunAsync();
            return CommandHost.Done;
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
            var stopped = await Teardown.RunAsync(Layout(parsed.GetValue(state), MeshLayout.DefaultPortBase));
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
            var layout = new MeshLayout(folder, (int)request["portBase"]!);
            var images = request["images"]!.AsArray().Select(image => (string)image!).ToList();
            await new Supervisor(layout, images, logs.CreateLogger("supervisor")).RunAsync(signals.Stopping);
            return CommandHost.Done;
        });
        return command;
    }

    /// <summary>The owner of the loopback ports; started by the supervisor.</summary>
    public static Command CreateRelay()
    {
        var (state, portBase) = (StateOption(), PortBaseOption());
        var command = new Command("mesh-relay", "Carry loopback ports into the node's network") { state, portBase };
        command.Hidden = true;
        command.SetAction(async (parsed, _) =>
        {
            using var signals = new ProcessSignals();
            using var logs = new LogOptions().CreateFactory();
            var layout = Layout(parsed.GetValue(state), parsed.GetValue(portBase));
            var gateway = IPAddress.Parse(MeshLayout.GatewayAddress);
            await new Relay(
                new NetworkNamespace(layout.NamespacePrefix),
                [
                    (layout.HttpPort, new IPEndPoint(gateway, 80)), (layout.HttpsPort, new IPEndPoint(gateway, 443)),
                    (layout.ApiServerPort, new IPEndPoint(IPAddress.Parse(MeshLayout.NodeAddress), MeshLayout.ApiPort)),
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
        // A mesh that runs knows its ports better than the command line of another command.
        return File.Exists(request) && portBase == MeshLayout.DefaultPortBase ? new MeshLayout(folder, (int)JsonNode.Parse(File.ReadAllText(request))!["portBase"]!) : new MeshLayout(folder, portBase);
    }

    private static Option<string?> StateOption() => new("--state") { Description = "Folder of the mesh's state; another folder is another mesh" };

    private static Option<int> PortBaseOption() => new("--port-base") { Description = "First loopback port; the gateway is at this plus 80", DefaultValueFactory = _ => MeshLayout.DefaultPortBase };
}
