using Istio.Mesh.V1Alpha1;
using Lateen.Config.Mesh;
using Lateen.Config.Sources;
using Lateen.Config.Stores;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Metrics;
using Lateen.Hosting.Monitoring;
using Lateen.Hosting.Rpc;
using Lateen.Hosting.Servers;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Informers;
using Lateen.Kubernetes.Models;
using Lateen.Pilot.Discovery;
using Lateen.Pilot.Push;
using Lateen.Rpc.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Serving;

/// <summary>What Pilot is started with. Immutable.</summary>
internal sealed record PilotOptions(string? Kubeconfig, string? MeshConfigFile, string Domain, string GrpcAddress, string HttpAddress, string MonitoringAddress, TimeSpan DebounceAfter, TimeSpan DebounceMax);

/// <summary>
/// Puts Pilot together: sources → changes → snapshots → proxies. 1. the mesh's settings; 2. the sources; 3. the first snapshot, once all of
/// them have reported; 4. the servers, so that no proxy ever sees a mesh that is only half known.
/// </summary>
internal sealed class PilotServer(PilotOptions options, ILoggerFactory logs)
{
    private static readonly (KubeResource Resource, string Kind, Func<System.Text.Json.Nodes.JsonObject, object> Read)[] RegistryKinds =
    [
        (KubeResource.Services, "Service", json => new Service(json)), (KubeResource.EndpointSlices, "EndpointSlice", json => new EndpointSlice(json)),
        (KubeResource.Pods, "Pod", json => new Pod(json)), (KubeResource.Nodes, "Node", json => new Node(json)),
    ];

    public async Task RunAsync(CancellationToken stopping)
    {
        var log = logs.CreateLogger("default");
        var metrics = new MetricRegistry();
        var readiness = new Readiness();
        var builder = new SnapshotBuilder(options.Domain, TimeProvider.System);
        using var discovery = new DiscoveryServer(logs.CreateLogger("ads"), new DiscoveryMetrics(metrics), TimeProvider.System, options.Domain);
        using var debouncer = new PushDebouncer(TimeProvider.System, options.DebounceAfter, options.DebounceMax, batch =>
        {
            if (builder.Apply(batch) is { } push) discovery.Publish(push);
            return Task.CompletedTask;
        });

        // 1
        using var meshFile = options.MeshConfigFile is { } file && File.Exists(file) ? new MeshConfigFile(file, log) : null;
        void OnMesh(MeshConfig mesh) => debouncer.Add(new StateChange(ConfigKey.Mesh, "", "", mesh));
        OnMesh(meshFile?.Config.Current ?? MeshConfigReader.Default());
        using var meshChanges = meshFile?.Config.Subscribe(OnMesh);

        // 2
        var store = new ConfigStore();
        using var changes = store.Subscribe(change => debouncer.Add(new StateChange(
            change.Object.Kind.Kind, change.Object.Namespace, change.Object.Name, change.Type == ConfigChangeType.Deleted ? null : change.Object)));
        using var client = new KubeClient(KubeClientOptions.FromDefaults(options.Kubeconfig) with { UserAgent = "pilot-discovery" });
        await using var source = new KubernetesSource(client, store, log).Start();
        var informers = RegistryKinds.Select(kind => Watch(client, kind, debouncer, log)).ToList();
        await source.WaitForSyncAsync(stopping);
        foreach (var informer in informers) await informer.WaitForSyncAsync(stopping);

        // 3
        await debouncer.FlushAsync();
        while (!discovery.IsReady) await Task.Delay(20, stopping);

        // 4
        var table = discovery.AddTo(new RpcServiceTable { OnHandlerError = (path, e) => log.LogError(e, "serving {Path} failed", path) });
        await using var grpc = await HttpServer.StartAsync(logs, [new ServerListener(ServerListener.ParseAddress(options.GrpcAddress)) { Protocols = HttpProtocols.Http2 }], endpoints => endpoints.MapRpc(table), stopping);
        await using var http = await HttpServer.StartAsync(logs, [new ServerListener(ServerListener.ParseAddress(options.HttpAddress))], endpoints => endpoints.MapReady(readiness), stopping);
        await using var monitoring = await HttpServer.StartAsync(
            logs, [new ServerListener(ServerListener.ParseAddress(options.MonitoringAddress))], endpoints => endpoints.MapMonitoring("pilot", metrics, readiness), stopping);
        readiness.Seal();
        log.LogInformation("Pilot serves {Services} services on {Address}", discovery.Current.Services.All.Count, options.GrpcAddress);
        await Task.Delay(Timeout.Infinite, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var informer in informers) await informer.DisposeAsync();
    }

    private static Informer Watch(
        KubeClient client, (KubeResource Resource, string Kind, Func<System.Text.Json.Nodes.JsonObject, object> Read) kind, PushDebouncer debouncer, ILogger log)
    {
        var informer = new Informer(client, kind.Resource, log: log);
        informer.Changed += change =>
        {
            var (ns, name) = KubeObject.KeyOf(change.Object);
            debouncer.Add(new StateChange(kind.Kind, ns, name, change.Type == InformerEventType.Deleted ? null : kind.Read(change.Object)));
        };
        return informer.Start();
    }
}
