using System.Net;
using Istio.Mesh.V1Alpha1;
using Lateen.Config.Mesh;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Metrics;
using Lateen.Hosting.Monitoring;
using Lateen.Hosting.Rpc;
using Lateen.Hosting.Servers;
using Lateen.Pilot.Debug;
using Lateen.Pilot.Discovery;
using Lateen.Pilot.Push;
using Lateen.Rpc.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Serving;

/// <summary>Where Pilot listens, with real ports. Immutable.</summary>
internal sealed record PilotAddresses(IPEndPoint Grpc, IPEndPoint? SecureGrpc, IPEndPoint Http, IPEndPoint Monitoring);

/// <summary>
/// Puts Pilot together: sources → changes → snapshots → proxies. 1. the mesh's settings; 2. the sources; 3. the first snapshot, once all of
/// them have reported; 4. the servers, so that no proxy ever sees a mesh that is only half known.
/// </summary>
internal sealed class PilotServer(PilotOptions options, ILoggerFactory logs)
{
    private readonly TaskCompletionSource<PilotAddresses> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when Pilot serves.</summary>
    public Task<PilotAddresses> Started => _started.Task;

    /// <summary>Serves until <paramref name="stopping"/>.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            await ServeAsync(stopping);
        }
        catch (Exception e)
        {
            _started.TrySetException(e);
            _ = _started.Task.Exception;
            throw;
        }
    }

    private async Task ServeAsync(CancellationToken stopping)
    {
        var log = logs.CreateLogger("default");
        var metrics = new MetricRegistry();
        var readiness = new Readiness();
        var builder = new SnapshotBuilder(options.Domain, TimeProvider.System);
        using var discovery = new DiscoveryServer(logs.CreateLogger("ads"), new DiscoveryMetrics(metrics), TimeProvider.System, options.Domain);
        using var debouncer = new PushDebouncer(TimeProvider.System, options.DebounceAfter, options.DebounceMax, batch =>
        {
            discovery.Apply(builder, batch);
            return Task.CompletedTask;
        });

        // 1
        using var meshFile = options.MeshConfigFile is { } file && File.Exists(file) ? new MeshConfigFile(file, log) : null;
        void OnMesh(MeshConfig mesh) => debouncer.Add(new StateChange(ConfigKey.Mesh, "", "", mesh));
        OnMesh(meshFile?.Config.Current ?? MeshConfigReader.Default());
        using var meshChanges = meshFile?.Config.Subscribe(OnMesh);

        // 2
        await using var sources = new PilotSources(options, metrics, debouncer.Add, log);
        await sources.StartAsync(stopping);

        // 3
        await debouncer.FlushAsync();
        while (!discovery.IsReady) await Task.Delay(20, stopping);
        discovery.Practise();

        // 4
        var table = discovery.AddTo(new RpcServiceTable { OnHandlerError = (path, e) => log.LogError(e, "serving {Path} failed", path) });
        var pages = new DebugPages(discovery, sources);
        await using var grpc = await HttpServer.StartAsync(
            logs, [new ServerListener(ServerListener.ParseAddress(options.GrpcAddress)) { Protocols = HttpProtocols.Http2 }], endpoints => endpoints.MapRpc(table), stopping);
        using var identity = options.SecureGrpcAddress.Length == 0 ? null : ServerIdentity.Open(options, log);
        await using var secure = await StartSecureAsync(identity, table, log, stopping);
        await using var http = await HttpServer.StartAsync(logs, [new ServerListener(ServerListener.ParseAddress(options.HttpAddress))], endpoints =>
        {
            endpoints.MapReady(readiness);
            pages.Map(endpoints);
        }, stopping);
        await using var monitoring = await HttpServer.StartAsync(logs, [new ServerListener(ServerListener.ParseAddress(options.MonitoringAddress))], endpoints =>
        {
            endpoints.MapMonitoring("pilot", metrics, readiness);
            pages.Map(endpoints);
        }, stopping);
        metrics.Gauge("pilot_info", "Pilot version and build information.", "version").With(BuildVersion.Current.ToString()).Set(1);
        readiness.Seal();
        _started.TrySetResult(new(grpc.Addresses[0], secure?.Addresses[0], http.Addresses[0], monitoring.Addresses[0]));
        log.LogInformation("Pilot serves {Services} services on {Address}", discovery.Current.Services.All.Count, grpc.Addresses[0]);
        await Task.Delay(Timeout.Infinite, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private async Task<HttpServer?> StartSecureAsync(ServerIdentity? identity, RpcServiceTable table, ILogger log, CancellationToken stopping)
    {
        if (identity == null) return null;
        var listener = new ServerListener(ServerListener.ParseAddress(options.SecureGrpcAddress))
        {
            Protocols = HttpProtocols.Http2, Certificate = identity.Files, ClientAuthorities = identity.Authorities,
        };
        try
        {
            return await HttpServer.StartAsync(logs, [listener], endpoints => endpoints.MapRpc(table), stopping);
        }
        catch (IOException e) when (!options.RequiresSecureGrpc)
        {
            log.LogWarning("no xDS over TLS: {Reason}", e.Message);
            return null;
        }
    }
}
