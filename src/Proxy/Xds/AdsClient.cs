using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Lateen.Api;
using Lateen.Api.Services;
using Lateen.Rpc;
using Lateen.Rpc.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Xds;

/// <summary>
/// Asks a control plane for resources over one stream, state of the world: acknowledges what was taken, refuses with the reasons
/// what was not, and asks for endpoints and routes by the names that clusters and listeners use. When the stream ends, what was
/// received stays in use and the stream is opened again after a growing, jittered pause. Runs on the thread pool. Source:
/// Envoy's "xDS REST and gRPC protocol".
/// </summary>
internal sealed class AdsClient(Func<string?> target, Node node, ResourceState resources, ILogger log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly string[] Order = [TypeUrls.Cluster, TypeUrls.Endpoint, TypeUrls.Listener, TypeUrls.Route];
    private readonly Dictionary<string, Subscription> _subscriptions = Order.ToDictionary(type => type, type => new Subscription(type));

    private sealed class Subscription(string typeUrl)
    {
        public string TypeUrl { get; } = typeUrl;
        public string Version = "";
        public string Nonce = "";
        public IReadOnlyList<string>? Requested;
        public bool IsAnswered;
        public long Accepted, Refused;
    }

    /// <summary>A stream is open and has brought something.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>
    /// Clusters and listeners have been received once. An answer that was refused in part counts, as in Envoy: what was good in it
    /// serves, and one bad resource must not keep a new proxy from being ready.
    /// </summary>
    public bool HasInitial => _subscriptions[TypeUrls.Cluster].IsAnswered && _subscriptions[TypeUrls.Listener].IsAnswered;

    /// <summary>Updates taken and refused, by type URL.</summary>
    public IEnumerable<(string TypeUrl, string Version, long Accepted, long Refused)> Counts =>
        _subscriptions.Values.Select(subscription => (subscription.TypeUrl, subscription.Version, subscription.Accepted, subscription.Refused));

    public async Task RunAsync(CancellationToken cancel)
    {
        var pause = FirstPause;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                if (target() is { } address)
                {
                    await StreamAsync(address, () => pause = FirstPause, cancel).ConfigureAwait(false);
                    log.LogWarning("the control plane has ended the stream");
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException or UriFormatException)
            {
                log.LogWarning("the stream to the control plane failed: {Reason}", e.Message);
            }
            catch (Exception e)
            {
                log.LogError(e, "the stream to the control plane failed");
            }
            IsConnected = false;
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task StreamAsync(string address, Action onProgress, CancellationToken cancel)
    {
        using var channel = RpcChannel.Create(address, new RpcChannelOptions { MaxReceiveMessageSize = int.MaxValue });
        await using var call = channel.OpenDuplex(AggregatedDiscovery.Stream, cancel: cancel);
        foreach (var subscription in _subscriptions.Values) (subscription.Nonce, subscription.Requested) = ("", null);
        var first = true;
        async Task SendAsync(Subscription subscription, IReadOnlyList<string> names, string? problem)
        {
            var request = new DiscoveryRequest { TypeUrl = subscription.TypeUrl, VersionInfo = subscription.Version, ResponseNonce = subscription.Nonce };
            request.ResourceNames.AddRange(names);
            if (first) request.Node = node;
            first = false;
            if (problem is not null) request.ErrorDetail = new Google.Rpc.Status { Code = 3, Message = problem };
            subscription.Requested = names;
            await call.WriteAsync(request).ConfigureAwait(false);
        }
        await SendAsync(_subscriptions[TypeUrls.Cluster], [], null).ConfigureAwait(false);
        if (HasInitial)
        {
            // After a reconnect everything is asked for at once: the names are known.
            await SendAsync(_subscriptions[TypeUrls.Endpoint], resources.EndpointNames, null).ConfigureAwait(false);
            await SendAsync(_subscriptions[TypeUrls.Listener], [], null).ConfigureAwait(false);
            await SendAsync(_subscriptions[TypeUrls.Route], resources.RouteNames, null).ConfigureAwait(false);
        }
        await foreach (var response in call.ReadAllAsync(cancel).ConfigureAwait(false))
        {
            IsConnected = true;
            onProgress();
            if (!_subscriptions.TryGetValue(response.TypeUrl, out var subscription))
            {
                log.LogWarning("the control plane sent {Type}, which was not asked for", response.TypeUrl);
                continue;
            }
            subscription.Nonce = response.Nonce;
            var problem = Apply(response);
            subscription.IsAnswered = true;
            if (problem is null)
            {
                subscription.Version = response.VersionInfo;
                subscription.Accepted++;
            }
            else subscription.Refused++;
            await SendAsync(subscription, NamesOf(response.TypeUrl), problem).ConfigureAwait(false);
            // What clusters and listeners refer to is asked for as soon as they are known.
            await FollowAsync(response.TypeUrl, SendAsync).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(string typeUrl, Func<Subscription, IReadOnlyList<string>, string?, Task> sendAsync)
    {
        if (typeUrl == TypeUrls.Cluster)
        {
            await AskAsync(TypeUrls.Endpoint, resources.EndpointNames, sendAsync).ConfigureAwait(false);
            if (_subscriptions[TypeUrls.Listener].Requested is null) await sendAsync(_subscriptions[TypeUrls.Listener], [], null).ConfigureAwait(false);
        }
        else if (typeUrl == TypeUrls.Listener) await AskAsync(TypeUrls.Route, resources.RouteNames, sendAsync).ConfigureAwait(false);
    }

    private async Task AskAsync(string typeUrl, IReadOnlyList<string> names, Func<Subscription, IReadOnlyList<string>, string?, Task> sendAsync)
    {
        var subscription = _subscriptions[typeUrl];
        if (subscription.Requested is { } before ? before.SequenceEqual(names) : names.Count == 0) return;
        await sendAsync(subscription, names, null).ConfigureAwait(false);
    }

    private IReadOnlyList<string> NamesOf(string typeUrl) => typeUrl switch
    {
        TypeUrls.Endpoint => resources.EndpointNames,
        TypeUrls.Route => resources.RouteNames,
        _ => [],
    };

    private string? Apply(DiscoveryResponse response)
    {
        log.LogDebug("received {Count} of {Type} as version {Version}", response.Resources.Count, response.TypeUrl, response.VersionInfo);
        return response.TypeUrl switch
        {
            TypeUrls.Cluster => resources.ApplyClusters(response.Resources, response.VersionInfo),
            TypeUrls.Endpoint => resources.ApplyEndpoints(response.Resources),
            TypeUrls.Listener => resources.ApplyListeners(response.Resources, response.VersionInfo),
            _ => resources.ApplyRoutes(response.Resources, response.VersionInfo),
        };
    }
}
