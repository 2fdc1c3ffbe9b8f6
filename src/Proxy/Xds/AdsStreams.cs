using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Lateen.Api.Services;
using Lateen.Rpc;
using Lateen.Rpc.Client;

namespace Lateen.Proxy.Xds;

/// <summary>One response of either protocol. Immutable.</summary>
internal sealed record AdsAnswer(string TypeUrl, string Version, string Nonce, ResourceUpdate Update);

/// <summary>The wire form of one stream. Written to by one task, read by another.</summary>
internal interface IAdsStream : IAsyncDisposable
{
    /// <summary>Sent with the first request, and only with it.</summary>
    Node? Node { get; set; }

    IAsyncEnumerable<AdsAnswer> ReadAllAsync(CancellationToken cancel);

    /// <summary>Asks for these names instead of those before.</summary>
    Task SubscribeAsync(Subscription subscription, IReadOnlyList<string> names);

    /// <summary>Answers the last response: taken, or refused with the reasons.</summary>
    Task AcknowledgeAsync(Subscription subscription, string? problem);
}

/// <summary>State of the world: every request says all names, every response of a whole type has all of it.</summary>
internal sealed class SotwStream(RpcChannel channel, RpcMetadata? headers, CancellationToken cancel) : IAdsStream
{
    private readonly RpcDuplexCall<DiscoveryRequest, DiscoveryResponse> _call = channel.OpenDuplex(AggregatedDiscovery.Stream, new RpcCallOptions(Headers: headers), cancel);

    public Node? Node { get; set; }

    public async IAsyncEnumerable<AdsAnswer> ReadAllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var response in _call.ReadAllAsync(cancel).ConfigureAwait(false))
            yield return new AdsAnswer(response.TypeUrl, response.VersionInfo, response.Nonce, ResourceUpdate.Of(response.Resources, response.VersionInfo));
    }

    public Task SubscribeAsync(Subscription subscription, IReadOnlyList<string> names) => SendAsync(subscription, names, null);

    public Task AcknowledgeAsync(Subscription subscription, string? problem) => SendAsync(subscription, subscription.Names, problem);

    public async ValueTask DisposeAsync()
    {
        await _call.DisposeAsync().ConfigureAwait(false);
        channel.Dispose();
    }

    private Task SendAsync(Subscription subscription, IReadOnlyList<string> names, string? problem)
    {
        var request = new DiscoveryRequest { TypeUrl = subscription.Kind.TypeUrl, VersionInfo = subscription.Version, ResponseNonce = subscription.Nonce };
        request.ResourceNames.AddRange(names);
        if (problem is not null) request.ErrorDetail = new Google.Rpc.Status { Code = (int)RpcStatusCode.InvalidArgument, Message = problem };
        (request.Node, Node) = (Node, null);
        return _call.WriteAsync(request);
    }
}

/// <summary>
/// Delta: requests say what changes in the names, responses what changed in the resources. After a reconnect the versions that
/// are in use are told, so that only what differs is sent.
/// </summary>
internal sealed class DeltaStream(RpcChannel channel, RpcMetadata? headers, CancellationToken cancel) : IAdsStream
{
    private readonly RpcDuplexCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> _call = channel.OpenDuplex(AggregatedDiscovery.Delta, new RpcCallOptions(Headers: headers), cancel);

    public Node? Node { get; set; }

    public async IAsyncEnumerable<AdsAnswer> ReadAllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var response in _call.ReadAllAsync(cancel).ConfigureAwait(false))
            yield return new AdsAnswer(response.TypeUrl, response.SystemVersionInfo, response.Nonce, new ResourceUpdate(
                // A resource without a body only renews what is there.
                [.. response.Resources.Where(resource => resource.Resource_ is not null).Select(resource => new ReceivedResource(resource.Name, resource.Version, resource.Resource_))],
                [.. response.RemovedResources, .. response.RemovedResourceNames.Select(removed => removed.Name)], false));
    }

    public Task SubscribeAsync(Subscription subscription, IReadOnlyList<string> names)
    {
        var request = new DeltaDiscoveryRequest { TypeUrl = subscription.Kind.TypeUrl };
        request.ResourceNamesSubscribe.AddRange(names.Except(subscription.Names));
        request.ResourceNamesUnsubscribe.AddRange(subscription.Names.Except(names));
        if (!subscription.IsAsked)
            foreach (var (name, version) in subscription.Versions)
                if (subscription.Kind.Names is null || names.Contains(name))
                    request.InitialResourceVersions[name] = version;
        foreach (var gone in request.ResourceNamesUnsubscribe) subscription.Versions.Remove(gone);
        return SendAsync(request);
    }

    public Task AcknowledgeAsync(Subscription subscription, string? problem) => SendAsync(new DeltaDiscoveryRequest
    {
        TypeUrl = subscription.Kind.TypeUrl,
        ResponseNonce = subscription.Nonce,
        ErrorDetail = problem is null ? null : new Google.Rpc.Status { Code = (int)RpcStatusCode.InvalidArgument, Message = problem },
    });

    public async ValueTask DisposeAsync()
    {
        await _call.DisposeAsync().ConfigureAwait(false);
        channel.Dispose();
    }

    private Task SendAsync(DeltaDiscoveryRequest request)
    {
        (request.Node, Node) = (Node, null);
        return _call.WriteAsync(request);
    }
}
