using System.Text.Json.Nodes;
using Lateen.Config.Sources;
using Lateen.Config.Stores;
using Lateen.Foundation.Metrics;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Informers;
using Lateen.Kubernetes.Models;
using Lateen.Pilot.Push;
using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Serving;

/// <summary>
/// Everything that tells Pilot of objects: an API server, folders of files, or both. Each change goes to one receiver. Owned by
/// the server that starts it.
/// </summary>
internal sealed class PilotSources : IAsyncDisposable
{
    private static readonly (KubeResource Resource, string Kind, Func<JsonObject, object> Read)[] RegistryKinds =
    [
        (KubeResource.Services, "Service", json => new Service(json)), (KubeResource.EndpointSlices, "EndpointSlice", json => new EndpointSlice(json)),
        (KubeResource.Pods, "Pod", json => new Pod(json)), (KubeResource.Nodes, "Node", json => new Node(json)),
    ];

    private readonly PilotOptions _options;
    private readonly Action<StateChange> _onChange;
    private readonly ILogger _log;
    private readonly IDisposable _changes;
    private readonly ConfigIntake _intake;
    private readonly List<Informer> _informers = [];
    private KubeClient? _client;
    private KubernetesSource? _kubernetes;
    private FileSource? _configFiles;
    private KubeObjectsFolder? _objectFiles;

    public PilotSources(PilotOptions options, MetricRegistry metrics, Action<StateChange> onChange, ILogger log)
    {
        (_options, _onChange, _log) = (options, onChange, log);
        _intake = new(Store, log, metrics);
        _changes = Store.Subscribe(change => Add(new StateChange(
            change.Object.Kind.Kind, change.Object.Namespace, change.Object.Name, change.Type == ConfigChangeType.Deleted ? null : change.Object)));
    }

    /// <summary>Istio's objects, as debug pages show them.</summary>
    public ConfigStore Store { get; } = new();

    /// <summary>What was refused of them.</summary>
    public IReadOnlyCollection<RejectedItem> Rejected => _intake.Rejected;

    /// <summary>Begins to listen, and returns when everything that was there has been told.</summary>
    /// <exception cref="DirectoryNotFoundException">A folder is missing.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        if (_options.UsesApiServer)
        {
            _client = new KubeClient(KubeClientOptions.FromDefaults(_options.Kubeconfig) with { UserAgent = "pilot-discovery" });
            if (_options.ConfigFolder == null) _kubernetes = new KubernetesSource(_client, _intake, _log).Start();
            foreach (var kind in RegistryKinds) _informers.Add(Watch(_client, kind));
        }
        if (_options.ConfigFolder is { } configFolder)
        {
            _configFiles = new FileSource(configFolder, _intake, _log);
            _configFiles.Start();
        }
        if (_options.KubeObjectsFolder is { } objectsFolder)
        {
            _objectFiles = new KubeObjectsFolder(objectsFolder, Add, _log, TimeProvider.System);
            _objectFiles.Rescan();
        }
        if (_kubernetes != null) await _kubernetes.WaitForSyncAsync(cancel).ConfigureAwait(false);
        foreach (var informer in _informers) await informer.WaitForSyncAsync(cancel).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _objectFiles?.Dispose();
        _configFiles?.Dispose();
        foreach (var informer in _informers) await informer.DisposeAsync().ConfigureAwait(false);
        if (_kubernetes != null) await _kubernetes.DisposeAsync().ConfigureAwait(false);
        _client?.Dispose();
        _changes.Dispose();
    }

    private void Add(StateChange change)
    {
        if (_options.Namespace.Length > 0 && change.Namespace.Length > 0 && change.Namespace != _options.Namespace) return;
        _onChange(change);
    }

    private Informer Watch(KubeClient client, (KubeResource Resource, string Kind, Func<JsonObject, object> Read) kind)
    {
        var informer = new Informer(client, kind.Resource, log: _log);
        informer.Changed += change =>
        {
            var (ns, name) = KubeObject.KeyOf(change.Object);
            Add(new StateChange(kind.Kind, ns, name, change.Type == InformerEventType.Deleted ? null : kind.Read(change.Object)));
        };
        return informer.Start();
    }
}
