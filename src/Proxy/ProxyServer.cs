using System.Diagnostics;
using Envoy.Config.Core.V3;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Admin;
using Lateen.Proxy.Bootstrap;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Network;
using Lateen.Proxy.Overload;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Proxy.Workers;
using Lateen.Proxy.Xds;
using Microsoft.Extensions.Logging;
using BootstrapConfig = Envoy.Config.Bootstrap.V3.Bootstrap;

namespace Lateen.Proxy;

/// <summary>
/// The data plane: workers, listeners, clusters, the stream to the control plane, the admin pages. No statics: several may
/// live in one process. Any thread.
/// </summary>
public sealed class ProxyServer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Worker[] _workers;
    private readonly ListenerSet[] _listenerSets;
    private readonly ProxyContext _context;
    private readonly ResourceState _resources;
    private readonly AdsClient? _ads;
    private readonly FileSource _files;
    private readonly OverloadWatch _overload;
    private readonly ProxyOptions _options;
    private readonly List<Task> _background = [];

    private ProxyServer(ProxyOptions options, BootstrapConfig bootstrap, ILoggerFactory logs)
    {
        _options = options;
        Bootstrap = bootstrap;
        var count = options.Concurrency > 0 ? options.Concurrency : Environment.ProcessorCount;
        _context = new ProxyContext(new StatsStore(count, bootstrap.StatsConfig), logs) { Node = bootstrap.Node ?? new Node() };
        _overload = new OverloadWatch(bootstrap.OverloadManager, _context.Overload, _context.Stats);
        ServerStats.Register(_context.Stats, this);
        _workers = [.. Enumerable.Range(0, count).Select(index => new Worker(index, fault => _context.Log.LogError(fault, "a worker caught what nothing else did")))];
        _context.Workers = _workers;
        _listenerSets = [.. _workers.Select(worker => new ListenerSet(worker, _context))];
        _resources = new ResourceState(_context, PublishListeners);
        var files = BootstrapReader.Files(bootstrap);
        _files = new FileSource(files, _resources, logs.CreateLogger("xds"));
        if (bootstrap.DynamicResources?.AdsConfig is not null)
            _ads = new AdsClient(
                AdsSettings.Of(bootstrap, name => _context.Clusters.Current.Find(name)), bootstrap.Node ?? new Node(), _resources, _context.Stats,
                kind => !files.Any(file => file.TypeUrl == kind.TypeUrl) && BootstrapReader.IsAskedOfStream(bootstrap, kind), logs.CreateLogger("xds"));
    }

    internal BootstrapConfig Bootstrap { get; }

    internal ProxyOptions Options => _options;

    /// <summary>The engine's threads, for measurements.</summary>
    internal IReadOnlyList<Worker> Workers => _workers;

    internal ResourceState Resources => _resources;

    internal StatsStore Stats => _context.Stats;

    internal AdsClient? Ads => _ads;

    internal long StartedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>Set by /healthcheck/fail: the proxy answers its health checks with 503.</summary>
    internal bool HealthCheckFailed { get; set; }

    /// <summary>All that the bootstrap and the control plane named is in use.</summary>
    public bool IsReady => (_ads is null || _ads.HasInitial) && _files.HasInitial && _resources.IsSettled;

    /// <summary>Completes when an administrator asks the process to end.</summary>
    public Task Quit => _quit.Task;

    /// <summary>
    /// Reads a bootstrap as <see cref="Start"/> does, without opening a socket or a stream.
    /// </summary>
    /// <exception cref="Exception">What start would refuse; the message names file and field.</exception>
    public static void Validate(ProxyOptions options, ILoggerFactory logs)
    {
        var bootstrap = BootstrapReader.Read(options.Bootstrap, options.BootstrapFile);
        var context = new ProxyContext(new StatsStore(1, bootstrap.StatsConfig), logs) { Node = bootstrap.Node ?? new Node() };
        _ = new OverloadWatch(bootstrap.OverloadManager, context.Overload, context.Stats);
        var resources = new ResourceState(context, _ => { });
        _ = BootstrapReader.Files(bootstrap);
        if (bootstrap.DynamicResources?.AdsConfig is not null) _ = AdsSettings.Of(bootstrap, _ => null);
        if (bootstrap.Admin?.Address is { } admin) _ = Addresses.Of(admin, "admin.address");
        AddSecrets(context, bootstrap);
        resources.AddStaticClusters(bootstrap.StaticResources?.Clusters ?? []);
        resources.AddStaticListeners(bootstrap.StaticResources?.Listeners ?? []);
    }

    /// <summary>Starts a proxy: it serves its static listeners when this returns.</summary>
    /// <exception cref="Exception">The bootstrap cannot be honoured; the message names file and field.</exception>
    public static ProxyServer Start(ProxyOptions options, ILoggerFactory logs)
    {
        var bootstrap = BootstrapReader.Read(options.Bootstrap, options.BootstrapFile);
        bootstrap.Node ??= new Node();
        if (options.NodeId.Length > 0) bootstrap.Node.Id = options.NodeId;
        if (options.NodeCluster.Length > 0) bootstrap.Node.Cluster = options.NodeCluster;
        var server = new ProxyServer(options, bootstrap, logs);
        foreach (var worker in server._workers) worker.Start();
        if (bootstrap.Admin?.Address is { } admin) server._resources.AddInternalListener(AdminListener.Create(server, Addresses.Of(admin, "admin.address")));
        AddSecrets(server._context, bootstrap);
        server._resources.AddStaticClusters(bootstrap.StaticResources?.Clusters ?? []);
        server._resources.AddStaticListeners(bootstrap.StaticResources?.Listeners ?? []);
        server.WaitForWorkers();
        server.Run(logs);
        return server;
    }

    /// <summary>
    /// Stops to accept (all listeners, or only those for inbound traffic) and lets connections close after their request.
    /// </summary>
    internal void Drain(bool inboundOnly, bool graceful)
    {
        if (!inboundOnly) _context.Draining = true;
        for (var i = 0; i < _workers.Length; i++)
        {
            var set = _listenerSets[i];
            _workers[i].Post(() =>
            {
                if (!graceful) set.StopAccepting(listener => listener.Name != AdminListener.Name && (!inboundOnly || listener.Name.StartsWith("virtualInbound", StringComparison.Ordinal)));
                set.DrainAll(closeIdle: graceful);
            });
        }
        if (graceful) _context.Draining = true;
    }

    /// <summary>Returns when the workers have done what was posted to them: listeners are bound then. Never called on a worker.</summary>
    private void WaitForWorkers()
    {
        var done = _workers.Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        for (var i = 0; i < done.Length; i++) _workers[i].Post(done[i].SetResult);
        Task.WaitAll(done.Select(source => source.Task));
    }

    internal void AskToQuit() => _quit.TrySetResult();

    /// <summary>Cuts all connections and ends the workers.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_background).ConfigureAwait(false);
        // What waits to be sent goes out over the workers' connections.
        await _context.DisposeAsync().ConfigureAwait(false);
        foreach (var worker in _workers) worker.Dispose();
        LogFileSink.FlushAll();
        _stop.Dispose();
    }

    private void Run(ILoggerFactory logs)
    {
        _background.Add(Task.Run(() => new NameResolution(_resources, logs.CreateLogger("dns")).RunAsync(_stop.Token)));
        _background.Add(Task.Run(() => _files.RunAsync(_stop.Token)));
        if (_ads is { } ads) _background.Add(Task.Run(() => ads.RunAsync(_stop.Token)));
        _background.Add(Task.Run(() => new SecretSources(_context.Secrets, SecretTarget, Bootstrap.Node ?? new Node(), logs.CreateLogger("sds")).RunAsync(_stop.Token)));
        _background.Add(Task.Run(() => new ClusterSweep(_context).RunAsync(_stop.Token)));
        _background.Add(Task.Run(() => _overload.RunAsync(_stop.Token)));
        _background.Add(Task.Run(SweepAsync));
    }

    /// <summary>Warming that takes too long.</summary>
    private async Task SweepAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            if (!_resources.IsSettled) _resources.GiveUpWaiting();
        }
    }

    private static void AddSecrets(ProxyContext context, BootstrapConfig bootstrap)
    {
        foreach (var secret in bootstrap.StaticResources?.Secrets ?? []) context.Secrets.Set(new SecretSource(SecretSourceKind.Bootstrap), secret, "");
    }

    /// <summary>Where a cluster that serves secrets is reached; null while it has no host.</summary>
    private string? SecretTarget(string cluster) => _context.Clusters.Current.Find(cluster)?.Hosts.All is { Length: > 0 } hosts
        ? hosts[0].Address is { Path: { } path } ? $"unix://{Path.GetFullPath(path)}" : $"http://{hosts[0].Address}"
        : null;

    private void PublishListeners(IReadOnlyList<ListenerSnapshot> listeners)
    {
        for (var i = 0; i < _workers.Length; i++)
        {
            var (set, isFirst) = (_listenerSets[i], i == 0);
            _workers[i].Post(() =>
            {
                foreach (var (name, problem) in set.Apply(listeners, (long)_options.DrainTime.TotalMilliseconds))
                    if (isFirst)
                        _context.Log.LogError("the listener {Listener} does not serve: {Problem}", name, problem);
            });
        }
    }
}
