using System.Collections.Concurrent;
using System.Globalization;
using Envoy.Service.Discovery.V3;
using Lateen.Api.Services;
using Lateen.Foundation.Snapshots;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Push;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// Serves xDS: knows the proxies that are connected, and tells each of a new snapshot what concerns it. Any thread.
/// </summary>
internal sealed class DiscoveryServer(ILogger log, DiscoveryMetrics metrics, TimeProvider time, string domain, int mostConnections = DiscoveryServer.DefaultMostConnections) : IDisposable
{
    public const int DefaultMostConnections = 100_000;

    /// <summary>A response of this size is worth waiting for a slot: so many at once are in memory.</summary>
    private const long LargeResponse = 256 << 10;

    private const int LargeResponsesAtOnce = 8;

    /// <summary>How long a slow proxy may keep a slot from the others.</summary>
    private static readonly TimeSpan SlotLimit = TimeSpan.FromSeconds(5);

    private static readonly RpcMethod<DiscoveryRequest, StateResponse> StateMethod =
        new(RpcKind.Duplex, AggregatedDiscovery.Stream.Service, AggregatedDiscovery.Stream.Name);

    private static readonly RpcMethod<DeltaDiscoveryRequest, DeltaResponse> DeltaMethod =
        new(RpcKind.Duplex, AggregatedDiscovery.Delta.Service, AggregatedDiscovery.Delta.Name);

    private readonly ConcurrentDictionary<string, ProxyConnection> _proxies = new(StringComparer.Ordinal);
    private readonly Published<PushSnapshot> _snapshot = new(PushSnapshot.Empty(domain));
    private readonly SemaphoreSlim _slots = new(LargeResponsesAtOnce);
    private readonly CancellationTokenSource _stopping = new();
    private long _connections;

    public ILogger Log { get; } = log;
    public DiscoveryMetrics Metrics { get; } = metrics;
    public PushSnapshot Current => _snapshot.Current;
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>False until the first snapshot: what is not known yet must not look like nothing.</summary>
    public bool IsReady => Current.Number > 0;

    public ICollection<ProxyConnection> Proxies => _proxies.Values;

    public RpcServiceTable AddTo(RpcServiceTable table) => table
        .Duplex(StateMethod, (requests, responses, call) => new StateStream(this, responses, call).RunAsync(requests))
        .Duplex(DeltaMethod, (requests, responses, call) => new DeltaStream(this, responses, call).RunAsync(requests));

    /// <summary>Compiles a batch of changes and publishes what came of it. What cannot be compiled leaves everything as it was.</summary>
    public void Apply(SnapshotBuilder builder, ChangeBatch batch)
    {
        var begin = time.GetTimestamp();
        try
        {
            if (builder.Apply(batch) is not { } push) return;
            var elapsed = time.GetElapsedTime(begin);
            Metrics.PushTime.Observe(elapsed.TotalSeconds);
            DiscoveryLog.Compiled(Log, batch.Changes.Count, push.Snapshot.Version, push.IsFull, _proxies.Count, (long)elapsed.TotalMilliseconds);
            Publish(push);
        }
        catch (Exception e)
        {
            Metrics.InternalErrors.Increment();
            DiscoveryLog.CompileFailed(Log, e, batch.Changes.Count);
        }
    }

    /// <summary>
    /// Makes once what most proxies will ask for, so that the first of them need not wait for it (nor for the compiler):
    /// everything of an ordinary sidecar in each of the first namespaces that have services.
    /// </summary>
    public void Practise()
    {
        const int mostNamespaces = 4;
        var snapshot = Current;
        foreach (var @namespace in snapshot.Services.All.Select(s => s.Namespace).Distinct().Take(mostNamespaces))
        {
            var node = new Envoy.Config.Core.V3.Node { Id = $"sidecar~0.0.0.0~practice.{@namespace}~{@namespace}.svc.{domain}", UserAgentName = "envoy" };
            if (ProxyNode.Parse(node, out _) is not { } parsed) continue;
            var client = new Client(parsed, snapshot);
            foreach (var cluster in Generator.Clusters(client).All) Generator.Endpoints(client, cluster.Name);
            Generator.Listeners(client);
            foreach (var port in client.Scope.Egress.SelectMany(e => e.Ports).Distinct()) Generator.Route(client, port.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Makes a snapshot the current one and tells the proxies.</summary>
    public void Publish(PushRequest push)
    {
        _snapshot.Publish(push.Snapshot);
        Metrics.Services.Set(push.Snapshot.Services.All.Count);
        Metrics.VirtualServices.Set(push.Snapshot.Rules.All.Count);
        foreach (var kind in push.Changed.Select(k => k.Kind).Distinct()) Metrics.PushTriggers.With(kind.ToLowerInvariant()).Increment();
        foreach (var proxy in _proxies.Values) proxy.Offer(push);
        push.Snapshot.Scopes.Keep(_proxies.Values.Select(p => p.Node.Namespace).ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>Sends every proxy everything that it has not, whatever changed.</summary>
    public void PushAll() => Publish(new PushRequest { Snapshot = Current, IsFull = true, Changed = [new(ConfigKey.Mesh, "", "")], Since = time.GetUtcNow() });

    public ProxyConnection Connect(ProxyNode node, string peer, bool isDelta)
    {
        if (_proxies.Count >= mostConnections) throw new RpcException(RpcStatusCode.ResourceExhausted, $"more than {mostConnections} proxies are connected");
        var id = string.Create(CultureInfo.InvariantCulture, $"{node.Id}-{Interlocked.Increment(ref _connections)}");
        var proxy = new ProxyConnection(id, node, peer, isDelta, time.GetUtcNow());
        // Registered before anything is generated: a snapshot that comes meanwhile is pushed.
        _proxies[id] = proxy;
        Metrics.Connected.With(node.IstioVersion).Increment();
        DiscoveryLog.Connected(Log, isDelta ? "delta" : "state-of-the-world", id, peer);
        return proxy;
    }

    public void Disconnected(ProxyConnection proxy, string reason)
    {
        if (!_proxies.TryRemove(proxy.Id, out _)) return;
        Metrics.Connected.With(proxy.Node.IstioVersion).Increment(-1);
        DiscoveryLog.Disconnected(Log, proxy.Id, reason);
    }

    public double SecondsSince(DateTimeOffset moment) => (time.GetUtcNow() - moment).TotalSeconds;

    /// <summary>
    /// Writes a response. Of large ones a few are written at a time, or memory would hold one for each proxy; a proxy that
    /// takes long lets the others go first.
    /// </summary>
    public async Task WriteAsync(Func<ValueTask> write, long size)
    {
        var begin = time.GetTimestamp();
        if (size < LargeResponse) await write().ConfigureAwait(false);
        else
        {
            await _slots.WaitAsync(Stopping).ConfigureAwait(false);
            var writing = write().AsTask();
            var inTime = await Task.WhenAny(writing, Task.Delay(SlotLimit, time, Stopping)).ConfigureAwait(false) == writing;
            _slots.Release();
            if (!inTime) Metrics.WriteTimeouts.Increment();
            await writing.ConfigureAwait(false);
        }
        Metrics.SendTime.Observe(time.GetElapsedTime(begin).TotalSeconds);
    }

    public void Dispose() => _stopping.Cancel();
}
