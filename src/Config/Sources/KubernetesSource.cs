using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Lateen.Config.Kinds;
using Lateen.Config.Stores;
using Lateen.Kubernetes;
using Lateen.Kubernetes.Client;
using Lateen.Kubernetes.Informers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Config.Sources;

/// <summary>
/// Configuration from an API server: every kind that it serves, in the newest version that it serves. A kind whose
/// definition is missing is no error and may be defined later. Any thread.
/// </summary>
public sealed class KubernetesSource : IAsyncDisposable
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(5);

    private readonly KubeClient _client;
    private readonly ConfigIntake _intake;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<ConfigKind, Informer> _informers = new();
    private readonly TaskCompletionSource _discovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    /// <summary>A source that fills the store. Nothing is asked before <see cref="Start"/>.</summary>
    public KubernetesSource(KubeClient client, ConfigStore store, ILogger? logger = null, TimeProvider? time = null)
        : this(client, new ConfigIntake(store, logger), logger, time)
    {
    }

    /// <summary>A source behind a gate that others share.</summary>
    public KubernetesSource(KubeClient client, ConfigIntake intake, ILogger? logger = null, TimeProvider? time = null) =>
        (_client, _intake, _logger, _time) = (client, intake, logger ?? NullLogger.Instance, time ?? TimeProvider.System);

    /// <summary>Starts to look for kinds, and to list and watch those that are there.</summary>
    public KubernetesSource Start()
    {
        _run = Task.Run(RunAsync);
        return this;
    }

    /// <summary>Completes when all objects that existed at the start are in the store.</summary>
    public async Task WaitForSyncAsync(CancellationToken cancel = default)
    {
        await _discovered.Task.WaitAsync(cancel).ConfigureAwait(false);
        foreach (var informer in _informers.Values) await informer.WaitForSyncAsync(cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        foreach (var informer in _informers.Values) await informer.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await DiscoverAsync().ConfigureAwait(false);
                _discovered.TrySetResult();
            }
            catch (KubeException e)
            {
                SourcesLog.Undiscovered(_logger, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(AskAgain, _time, _stop.Token).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <summary>Asks which versions the server has, and starts an informer for every kind that had none.</summary>
    private async Task DiscoverAsync()
    {
        var groups = await _client.RequestAsync(HttpMethod.Get, "/apis", cancel: _stop.Token).ConfigureAwait(false);
        var served = new HashSet<string>(StringComparer.Ordinal);
        foreach (var group in groups["groups"] as JsonArray ?? [])
            foreach (var version in group?["versions"] as JsonArray ?? [])
                served.Add((string?)version?["groupVersion"] ?? "");
        foreach (var byGroup in ConfigKinds.All.Where(kind => kind.Role == KindRole.Judged && !_informers.ContainsKey(kind)).GroupBy(kind => kind.Group))
        {
            var resources = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
            foreach (var kind in byGroup)
            {
                foreach (var version in kind.Versions)
                {
                    var groupVersion = $"{kind.Group}/{version}";
                    if (!served.Contains(groupVersion)) continue;
                    if (!resources.TryGetValue(groupVersion, out var names)) resources[groupVersion] = names = await ResourcesAsync(groupVersion).ConfigureAwait(false);
                    if (!names.Contains(kind.Plural)) continue;
                    Watch(kind, version);
                    break;
                }
            }
        }
    }

    private async Task<HashSet<string>> ResourcesAsync(string groupVersion)
    {
        try
        {
            var list = await _client.RequestAsync(HttpMethod.Get, $"/apis/{groupVersion}", cancel: _stop.Token).ConfigureAwait(false);
            return (list["resources"] as JsonArray ?? []).Select(resource => (string?)resource?["name"] ?? "").ToHashSet(StringComparer.Ordinal);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return [];
        }
    }

    private void Watch(ConfigKind kind, string version)
    {
        var resource = new KubeResource(kind.Group, version, kind.Plural, kind.Kind, kind.Namespaced);
        var informer = new Informer(_client, resource, log: _logger) { MayBeAbsent = true };
        informer.Changed += change =>
        {
            if (change.Type != InformerEventType.Deleted)
            {
                _intake.Offer(change.Object, "the API server");
                return;
            }
            var metadata = change.Object["metadata"];
            _intake.Withdraw(kind, (string?)metadata?["namespace"] ?? "", (string?)metadata?["name"] ?? "");
        };
        _informers[kind] = informer;
        informer.Start();
    }
}
