using System.Threading.Channels;
using Envoy.Config.Core.V3;
using Lateen.Proxy.Stats;
using Lateen.Rpc;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Asks a control plane for resources over one stream, state of the world or delta: acknowledges what was taken, refuses with
/// the reasons what was not, and asks for endpoints and routes by the names that clusters and listeners use. When the stream
/// ends, what was received stays in use and the stream is opened again after a growing, jittered pause. Runs on the thread
/// pool. Source: Envoy's "xDS REST and gRPC protocol".
/// </summary>
internal sealed class AdsClient
{
    private static readonly StatField[] Fields = [new("connected_state", StatKind.Gauge), new("pending_requests", StatKind.Gauge), new("rate_limit_enforced")];
    private readonly AdsSettings _settings;
    private readonly ResourceState _resources;
    private readonly Node _node;
    private readonly ILogger _log;
    private readonly StatGroup _stats;
    private readonly IReadOnlyList<Subscription> _subscriptions;
    private readonly bool _readsClusters, _readsListeners;

    /// <summary>Asks for the types that the predicate lets through: those that files bring are not asked of the stream.</summary>
    public AdsClient(AdsSettings settings, Node node, ResourceState resources, StatsStore stats, Func<ResourceKind, bool> isAsked, ILogger log)
    {
        (_settings, _node, _resources, _log) = (settings, node, resources, log);
        _stats = stats.Group("control_plane.", (prefix, workers) => new StatGroup(prefix, Fields, workers));
        _subscriptions = [.. resources.Kinds.Where(isAsked).Select(kind => new Subscription(kind))];
        _readsClusters = _subscriptions.Any(subscription => subscription.Kind.TypeUrl == Api.TypeUrls.Cluster);
        _readsListeners = _subscriptions.Any(subscription => subscription.Kind.TypeUrl == Api.TypeUrls.Listener);
    }

    /// <summary>A stream is open and has brought something.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>
    /// Clusters and listeners have been received once. An answer that was refused in part counts, as in Envoy: what was good in it
    /// serves, and one bad resource must not keep a new proxy from being ready.
    /// </summary>
    public bool HasInitial => (!_readsClusters || Of(Api.TypeUrls.Cluster).IsAnswered) && (!_readsListeners || Of(Api.TypeUrls.Listener).IsAnswered);

    public async Task RunAsync(CancellationToken cancel)
    {
        var pause = _settings.FirstPause;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                if (_settings.Open(cancel) is { } stream)
                {
                    await using (stream) await ServeAsync(stream, () => pause = _settings.FirstPause, cancel).ConfigureAwait(false);
                    _log.LogWarning("the control plane has ended the stream");
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException or UriFormatException)
            {
                _log.LogWarning("the stream to the control plane failed: {Reason}", e.Message);
            }
            catch (Exception e)
            {
                _log.LogError(e, "the stream to the control plane failed");
            }
            IsConnected = false;
            _stats.SetShared(0, 0);
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            pause = pause * 2 < _settings.LongestPause ? pause * 2 : _settings.LongestPause;
        }
    }

    /// <summary>
    /// One stream from its first request to its end. One loop writes: it is woken by responses and by names that changed, so
    /// that requests never overtake one another.
    /// </summary>
    private async Task ServeAsync(IAdsStream stream, Action onProgress, CancellationToken cancel)
    {
        foreach (var subscription in _subscriptions) subscription.Restart();
        stream.Node = _node;
        var wake = Channel.CreateBounded<AdsAnswer?>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.Wait });
        void OnNames() => wake.Writer.TryWrite(null);
        _resources.NamesChanged += OnNames;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var reading = ReadAsync(stream, wake.Writer, both.Token);
        try
        {
            await AskAsync(stream).ConfigureAwait(false);
            await foreach (var answer in wake.Reader.ReadAllAsync(both.Token).ConfigureAwait(false))
            {
                if (answer is not null)
                {
                    IsConnected = true;
                    onProgress();
                    _stats.SetShared(0, 1);
                    await TakeAsync(stream, answer).ConfigureAwait(false);
                }
                await AskAsync(stream).ConfigureAwait(false);
            }
            await reading.ConfigureAwait(false);
        }
        finally
        {
            _resources.NamesChanged -= OnNames;
            await both.CancelAsync().ConfigureAwait(false);
            await reading.ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    private static async Task ReadAsync(IAdsStream stream, ChannelWriter<AdsAnswer?> answers, CancellationToken cancel)
    {
        try
        {
            await foreach (var answer in stream.ReadAllAsync(cancel).ConfigureAwait(false)) await answers.WriteAsync(answer, cancel).ConfigureAwait(false);
            answers.TryComplete();
        }
        catch (Exception e)
        {
            answers.TryComplete(e);
            throw;
        }
    }

    private async Task TakeAsync(IAdsStream stream, AdsAnswer answer)
    {
        if (_subscriptions.FirstOrDefault(subscription => subscription.Kind.TypeUrl == answer.TypeUrl) is not { } subscription)
        {
            _log.LogWarning("the control plane sent {Type}, which was not asked for", answer.TypeUrl);
            return;
        }
        _log.LogDebug("received {Count} of {Type} as version {Version}", answer.Update.Resources.Count, answer.TypeUrl, answer.Version);
        var refused = subscription.Kind.Apply(answer.Update);
        subscription.Took(answer, refused);
        await stream.AcknowledgeAsync(subscription, refused.Count == 0 ? null : string.Join('\n', refused.Select(refusal => refusal.Problem))).ConfigureAwait(false);
    }

    /// <summary>
    /// Asks for what is not asked for yet, in order. Listeners come after the first answer about clusters: what serves is there
    /// before what leads to it.
    /// </summary>
    private async Task AskAsync(IAdsStream stream)
    {
        foreach (var subscription in _subscriptions)
        {
            if (subscription.Kind.TypeUrl == Api.TypeUrls.Listener && _readsClusters && !Of(Api.TypeUrls.Cluster).IsAnswered) continue;
            var names = subscription.Kind.Names?.Invoke() ?? [];
            if (subscription.IsAsked ? subscription.Names.SequenceEqual(names) : subscription.Kind.Names is not null && names.Count == 0) continue;
            await stream.SubscribeAsync(subscription, names).ConfigureAwait(false);
            (subscription.Names, subscription.IsAsked) = (names, true);
        }
    }

    private Subscription Of(string typeUrl) => _subscriptions.First(subscription => subscription.Kind.TypeUrl == typeUrl);
}

/// <summary>What is asked of one type, and what of it has come. Owned by the client's loop.</summary>
internal sealed class Subscription(ResourceKind kind)
{
    public ResourceKind Kind => kind;

    /// <summary>Version of the last update that was taken whole; state of the world only.</summary>
    public string Version { get; private set; } = "";

    /// <summary>The last response on this stream.</summary>
    public string Nonce { get; private set; } = "";

    /// <summary>Versions of what is in use, by name; delta only. Survives the stream.</summary>
    public Dictionary<string, string> Versions { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that were asked for on this stream.</summary>
    public IReadOnlyList<string> Names { get; set; } = [];

    public bool IsAsked { get; set; }

    public bool IsAnswered { get; private set; }

    /// <summary>A new stream begins.</summary>
    public void Restart() => (Nonce, Names, IsAsked) = ("", [], false);

    public void Took(AdsAnswer answer, IReadOnlyList<Refusal> refused)
    {
        (Nonce, IsAnswered) = (answer.Nonce, true);
        if (refused.Count == 0) Version = answer.Version;
        foreach (var (name, version, _) in answer.Update.Resources)
            if (!refused.Any(refusal => refusal.Name == name))
                Versions[name] = version;
        foreach (var gone in answer.Update.Removed) Versions.Remove(gone);
    }
}
