using System.Diagnostics;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Interop;
using Lateen.Foundation.Lifecycle;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Standalone.Layout;
using Lateen.Standalone.Setup;
using Lateen.Standalone.Supervision;

namespace Lateen.Standalone;

/// <summary>What `up` was asked for. Immutable.</summary>
internal sealed record UpRequest(MeshLayout Layout, IReadOnlyList<string> Files, string Sample, IReadOnlyList<string> Images, string Capture, bool Detach);

/// <summary>
/// Brings a mesh up: 1. looks whether this machine can; 2. starts the supervisor; 3. fills the API server; 4. applies the sample; 5.
/// waits until traffic flows; 6. stays until it is told to stop, unless detached.
/// </summary>
internal sealed class MeshUp(UpRequest request, string capture)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    private readonly MeshLayout _layout = request.Layout;
    private readonly long _started = Stopwatch.GetTimestamp();
    private string? _problem;

    public async Task RunAsync()
    {
        // 1
        CheckMachine();
        Say($"capture: {capture}");
        var samples = ReadYaml();
        using var signals = new ProcessSignals();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(signals.Stopping);
        limit.CancelAfter(Patience);
        try
        {
            // 2
            StartSupervisor();
            Say("starting the API server");
            using var client = await ConnectAsync(limit.Token);

            // 3
            Say("applying the mesh's own objects");
            var applier = new ObjectApplier(client);
            await ApplyMeshAsync(client, applier, limit.Token);

            // 4
            foreach (var (file, text) in samples)
            {
                Say($"applying {Path.GetFileName(file)}");
                await applier.ApplyAsync(text, file, limit.Token);
            }

            // 5
            await WaitForPodsAsync(client, limit.Token);
            if (request.Files.Count == 0 && request.Sample == "bookinfo") await WaitForPageAsync(limit.Token);
        }
        catch (OperationCanceledException) when (signals.Stopping.IsCancellationRequested)
        {
            await Teardown.RunAsync(_layout);
            return;
        }
        catch (OperationCanceledException)
        {
            throw new CommandFailedException($"the mesh is not ready after {Patience.TotalSeconds:0} s{(_problem is null ? "" : $" (the API server is not reached: {_problem})")}; its logs are in {_layout.Logs}, `lateen status` tells what runs, `lateen down` takes it away");
        }
        Report();

        // 6
        if (request.Detach) return;
        Console.WriteLine("\nCtrl-C or `lateen down` stops everything.");
        await Task.Delay(Timeout.Infinite, signals.Stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        await Teardown.RunAsync(_layout);
        Console.WriteLine("the mesh is down");
    }

    private void CheckMachine()
    {
        if (request.Sample is not ("bookinfo" or "none")) throw new CommandFailedException(CommandHost.BadUsage, $"--sample {request.Sample}: there are bookinfo and none");
        if (Teardown.ReadProcesses(_layout).Any(process => process.Identity?.IsAlive == true))
            throw new CommandFailedException($"a mesh runs in {_layout.StateFolder} already: stop it with `lateen down`, or give another --state and --port-base");
        foreach (var port in new[] { _layout.HttpPort, _layout.HttpsPort, _layout.ApiServerPort })
            if (!IsFree(port))
                throw new CommandFailedException($"port {port} is taken: give another --port-base");
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private List<(string File, string Text)> ReadYaml()
    {
        var paths = request.Files.Count > 0 ? request.Files : request.Sample == "bookinfo" ? SampleFiles.Bookinfo() : [];
        var files = paths.SelectMany(path => Directory.Exists(path) ? Directory.EnumerateFiles(path, "*.y*ml").Order(StringComparer.Ordinal) : (IEnumerable<string>)[path]);
        try
        {
            return [.. files.Select(file => (file, File.ReadAllText(file)))];
        }
        catch (IOException e)
        {
            throw new CommandFailedException(e.Message, e);
        }
    }

    private void StartSupervisor()
    {
        // What a crash may have left behind would be in the way.
        Teardown.RunAsync(_layout).GetAwaiter().GetResult();
        Directory.CreateDirectory(_layout.Logs);
        UserNamespace.Note(_layout);
        File.WriteAllText(_layout.RequestFile, new JsonObject { ["portBase"] = _layout.PortBase, ["loopback"] = _layout.LoopbackNetwork, ["images"] = new JsonArray([.. request.Images.Select(image => (JsonNode)image)]) }.ToJsonString());
        var start = new ProcessStartInfo("setsid", ["/bin/sh", "-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", Path.Combine(_layout.Logs, "supervisor.log"),
            Programs.Find("meshd"), "mesh-supervisor", "--state", _layout.StateFolder]);
        foreach (var (name, value) in Programs.Environment) start.Environment[name] = value;
        using var process = Process.Start(start);
    }

    private async Task<KubeClient> ConnectAsync(CancellationToken cancel)
    {
        while (!File.Exists(_layout.ClusterKubeconfig)) await Task.Delay(50, cancel);
        await Task.Delay(50, cancel);
        var text = await File.ReadAllTextAsync(_layout.ClusterKubeconfig, cancel);
        await File.WriteAllTextAsync(_layout.Kubeconfig, text.Replace($"https://{_layout.NodeAddress}:{MeshLayout.ApiPort}", $"https://127.0.0.1:{_layout.ApiServerPort}", StringComparison.Ordinal), cancel);
        File.SetUnixFileMode(_layout.Kubeconfig, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        // Longer than a webhook may take, whose failure is told and tried again.
        var client = new KubeClient(KubeClientOptions.FromKubeconfig(_layout.Kubeconfig)) { Timeout = TimeSpan.FromSeconds(30) };
        while (true)
        {
            try
            {
                await client.RequestAsync(HttpMethod.Get, "/api/v1", cancel: cancel);
                _problem = null;
                return client;
            }
            catch (KubeException e)
            {
                _problem = e.Message;
                await Task.Delay(50, cancel);
            }
        }
    }

    private async Task ApplyMeshAsync(KubeClient client, ObjectApplier applier, CancellationToken cancel)
    {
        await applier.ApplyInAnyOrderAsync(SampleFiles.CustomResourceDefinitions().Select(file => (File.ReadAllText(file), file)), cancel);
        var objects = new MeshObjects(_layout);
        await applier.ApplyAsync(objects.ControlPlane, "control plane", cancel);
        await applier.ApplyAsync(MeshObjects.Webhooks(WebhookCertificates.CaBundle(_layout.Certificates)), "webhooks", cancel);
        var config = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = "istio", ["namespace"] = "istio-system" },
            ["data"] = new JsonObject { ["mesh"] = objects.MeshConfig, ["meshNetworks"] = "networks: {}" },
        };
        await applier.ApplyAsync(config, "mesh configuration", cancel);
        await applier.ApplyAsync(objects.Gateway, "ingress gateway", cancel);
        await client.PatchAsync(KubeResource.Namespaces, null, "default", new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["istio-injection"] = "enabled" } } }, cancel: cancel);
    }

    private async Task WaitForPodsAsync(KubeClient client, CancellationToken cancel)
    {
        (int Ready, int Total)? shown = null;
        while (true)
        {
            var pods = await MeshStatus.ReadPodsAsync(client, cancel);
            if (pods != shown && pods is { } now) Say($"{now.Ready} of {now.Total} pods are ready");
            shown = pods;
            if (pods is { Total: > 0 } all && all.Ready == all.Total) return;
            await Task.Delay(100, cancel);
        }
    }

    private async Task WaitForPageAsync(CancellationToken cancel)
    {
        using var http = new HttpClient();
        while (true)
        {
            try
            {
                using var response = await http.GetAsync($"http://127.0.0.1:{_layout.HttpPort}/productpage", cancel);
                if (response.IsSuccessStatusCode && (await response.Content.ReadAsStringAsync(cancel)).Contains("Book Reviews", StringComparison.Ordinal)) return;
            }
            catch (HttpRequestException)
            {
                // The gateway does not listen yet.
            }
            await Task.Delay(100, cancel);
        }
    }

    private void Report()
    {
        Console.WriteLine($"\nThe mesh is ready after {Stopwatch.GetElapsedTime(_started).TotalSeconds:F1} s (traffic is {(_layout.HasNamespaces ? "captured in network namespaces" : "sent to sidecars by applications that heed HTTP_PROXY")}).");
        Console.WriteLine($"  gateway     http://127.0.0.1:{_layout.HttpPort}" + (request.Sample == "bookinfo" && request.Files.Count == 0 ? $"   try http://127.0.0.1:{_layout.HttpPort}/productpage" : ""));
        Console.WriteLine($"  API server  https://127.0.0.1:{_layout.ApiServerPort}");
        Console.WriteLine($"  export KUBECONFIG={_layout.Kubeconfig}");
    }

    private void Say(string what) => Console.WriteLine($"[{Stopwatch.GetElapsedTime(_started).TotalSeconds,5:F1} s] {what}");
}
