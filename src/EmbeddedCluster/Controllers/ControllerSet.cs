using System.Threading.Channels;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>What the controllers must be told. Immutable.</summary>
/// <param name="AuthorityPem">The cluster's certificate authority, for kube-root-ca.crt.</param>
/// <param name="LoadBalancerAddress">Address that services of type LoadBalancer get.</param>
/// <param name="Tokens">Makes service account tokens.</param>
internal sealed record ControllerOptions(string AuthorityPem, string LoadBalancerAddress, AccountTokens Tokens);

/// <summary>The controllers of a cluster: hands each committed change to those that watch its kind. Any thread.</summary>
internal sealed class ControllerSet : IAsyncDisposable
{
    private readonly ObjectStore _store;
    private readonly List<ControllerLoop> _loops;
    private readonly GarbageCollector _collector;
    private readonly Dictionary<string, List<ControllerLoop>> _watchers = [];
    private readonly Channel<StoredChange> _changes = Channel.CreateUnbounded<StoredChange>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _tasks = [];

    public ControllerSet(ClusterClient client, ControllerOptions options, ILogger logger)
    {
        _store = client.Store;
        var events = new EventRecorder(client, logger);
        _collector = new GarbageCollector(client, events);
        Controller[] controllers =
        [
            new NamespaceController(client, events, options.AuthorityPem), new DeploymentController(client, events), new ReplicaSetController(client, events, "replicasets.apps", "ReplicaSet"),
            new ReplicaSetController(client, events, "replicationcontrollers", "ReplicationController"),
            new StatefulSetController(client, events), new DaemonSetController(client, events), new JobController(client, events),
            new EndpointsController(client, events), new EndpointMirrorController(client, events), new Scheduler(client, events),
            new NodeController(client, events), new PodGarbageController(client, events), new LoadBalancerController(client, events, options.LoadBalancerAddress),
            new EventLifeController(client, events), new DefinitionController(client, events),
            new TokenSecretController(client, events, options), _collector,
        ];
        _loops = [.. controllers.Select(controller => new ControllerLoop(controller, client.Clock, logger))];
        foreach (var loop in _loops)
            foreach (var resource in loop.Controller.Watched)
            {
                if (!_watchers.TryGetValue(resource, out var watching)) _watchers[resource] = watching = [];
                watching.Add(loop);
            }
        _collector.Enqueue = _loops[^1].Add;
        _store.Committed += OnCommitted;
    }

    /// <summary>Begins with everything that is there.</summary>
    public void Start()
    {
        foreach (var resource in _store.Resources())
            foreach (var stored in _store.List(resource).Items) Dispatch(new StoredChange(ChangeType.Added, stored, null));
        _tasks.Add(Task.Run(DispatchAsync));
        foreach (var loop in _loops) _tasks.Add(Task.Run(() => loop.RunAsync(_stopping.Token)));
    }

    public async ValueTask DisposeAsync()
    {
        _store.Committed -= OnCommitted;
        await _stopping.CancelAsync().ConfigureAwait(false);
        _changes.Writer.TryComplete();
        await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private void OnCommitted(StoredChange change) => _changes.Writer.TryWrite(change);

    private async Task DispatchAsync()
    {
        await foreach (var change in _changes.Reader.ReadAllAsync().ConfigureAwait(false)) Dispatch(change);
    }

    private void Dispatch(StoredChange change)
    {
        _collector.Observe(change);
        if (!_watchers.TryGetValue(change.Object.Key.Resource, out var watching)) return;
        foreach (var loop in watching)
            foreach (var key in loop.Controller.Affected(change)) loop.Add(key);
    }
}
