using System.Collections.Concurrent;
using Envoy.Extensions.AccessLoggers.Grpc.V3;
using Lateen.Foundation.Snapshots;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Overload;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstream.Clusters;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy;

/// <summary>All clusters by name. Immutable; replaced whole.</summary>
internal sealed class ClusterMap(Dictionary<string, ClusterState> clusters)
{
    public static readonly ClusterMap Empty = new([]);

    public IReadOnlyCollection<ClusterState> All => clusters.Values;

    public ClusterState? Find(string name) => clusters.GetValueOrDefault(name);
}

/// <summary>What every part of one proxy shares. Any thread.</summary>
internal sealed class ProxyContext(StatsStore stats, ILoggerFactory logs) : IAsyncDisposable
{
    private readonly Http.Http2.Http2Stock?[] _http2Stocks = new Http.Http2.Http2Stock?[stats.Workers];
    private long _connectionId;

    public StatsStore Stats { get; } = stats;

    public ILogger Log { get; } = logs.CreateLogger("default");

    public SecretStore Secrets { get; } = new(logs.CreateLogger("sds"));

    /// <summary>What is shed at the moment.</summary>
    public OverloadState Overload { get; } = new();

    /// <summary>The bootstrap's node.</summary>
    public Envoy.Config.Core.V3.Node Node { get; init; } = new();

    /// <summary>The engine's threads; none while a configuration is only validated.</summary>
    public IReadOnlyList<Workers.Worker> Workers { get; set; } = [];

    private readonly ConcurrentDictionary<ulong, Lazy<IAsyncDisposable>> _exporters = new();

    /// <summary>The sender of spans or logs of one configuration; the same one for the same configuration.</summary>
    public T Exporter<T>(ulong fingerprint, Func<T> create)
        where T : class, IAsyncDisposable => (T)_exporters.GetOrAdd(fingerprint, _ => new Lazy<IAsyncDisposable>(create)).Value;

    /// <summary>The access log service of one configuration.</summary>
    public LogService LogService(CommonGrpcAccessLogConfig? config, string path) => Exporter(config is null ? 0 : Fingerprints.Of(config), () => AccessLogs.LogService.Create(config, this, path));

    /// <summary>Sends what waits to be sent. Nothing is sent after it.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var exporter in _exporters.Values)
            if (exporter.IsValueCreated)
                await exporter.Value.DisposeAsync().ConfigureAwait(false);
    }

    public Published<ClusterMap> Clusters { get; } = new(ClusterMap.Empty);

    /// <summary>The process is draining: connections close when their request is done.</summary>
    public bool Draining { get; set; }

    /// <summary>What the HTTP/2 connections of a worker share. The worker's thread only.</summary>
    public Http.Http2.Http2Stock Http2StockOf(Workers.Worker worker) => _http2Stocks[worker.Index] ??= new Http.Http2.Http2Stock();

    public ulong NextConnectionId() => (ulong)Interlocked.Increment(ref _connectionId);
}
