using Envoy.Service.Discovery.V3;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Push;
using Lateen.Rpc.Server;

namespace Lateen.Pilot.Discovery;

/// <summary>
/// One stream of the state-of-the-world protocol. Of clusters and listeners a response has all, of endpoints and routes
/// those that changed: proxies keep what a response leaves out. Owned by its call.
/// </summary>
internal sealed class StateStream(DiscoveryServer server, RpcResponseWriter<StateResponse> writer, RpcServerCall call) : ProxyStream(server, call)
{
    public Task RunAsync(IAsyncEnumerable<DiscoveryRequest> requests) => RunAsync(requests, OnRequestAsync);

    private async Task OnRequestAsync(DiscoveryRequest request)
    {
        if (Identify(request.Node, isDelta: false) is not { } proxy || !TryType(request.TypeUrl, out var type)) return;
        CheckNames(request.ResourceNames);
        var watch = proxy.Watches[(int)type];
        var first = watch == null || request.ResponseNonce.Length == 0;
        if (!first && request.ErrorDetail != null)
        {
            Refused(type, watch!, request.ErrorDetail.Message, request.ErrorDetail.Code);
            return;
        }
        if (!first && request.ResponseNonce != watch!.NonceSent)
        {
            // A newer response is on its way; the answer to that one will say what the proxy wants.
            Stale(type, request.ResponseNonce);
            return;
        }
        if (watch == null) proxy.Watches[(int)type] = watch = new();
        if (!first) Accepted(type, watch, request.ResponseNonce);
        await AnswerAsync(type, watch, request, first).ConfigureAwait(false);
    }

    /// <summary>
    /// 1. what the proxy wants now; 2. nothing if it merely accepted; 3. else what it newly wants, and what it may be warming.
    /// </summary>
    private async Task AnswerAsync(ResourceType type, WatchState watch, DiscoveryRequest request, bool first)
    {
        // Most requests only accept: they repeat their names, of which there may be thousands.
        if (!first && watch.Due.Count == 0 && IsSame(watch, request.ResourceNames)) return;

        // 1
        var wanted = request.ResourceNames.ToHashSet(StringComparer.Ordinal);
        var star = wanted.Remove("*");
        // No names are all of them, unless names were asked for before (xDS protocol, "How the client specifies what resources to return").
        var everything = type.IsWhole() && (star || (wanted.Count == 0 && watch.Names == null));
        var added = everything ? [] : wanted.Where(n => !watch.Wants(n) || watch.Names == null).ToHashSet(StringComparer.Ordinal);
        var sameNames = everything ? watch.Names == null : watch.Names != null && watch.Names.SetEquals(wanted);
        if (everything) watch.Names = null;
        else if (!sameNames) watch.Names = wanted;
        if (first) watch.Named.Clear();
        foreach (var gone in watch.Named.Keys.Where(n => !watch.Wants(n)).ToList()) watch.Named.Remove(gone);

        // 2
        var due = watch.Due.Where(watch.Wants).ToHashSet(StringComparer.Ordinal);
        watch.Due.Clear();
        if (!first && (type.IsWhole() ? sameNames : added.Count == 0 && due.Count == 0)) return;

        // 3
        var client = NewClient();
        if (type.IsWhole())
        {
            await SendWholeAsync(type, watch, ProxyFetch.Whole(client, type, watch), client).ConfigureAwait(false);
            return;
        }
        var names = first ? wanted : added.Union(due);
        List<EncodedResource> resources = [.. names.Select(n => ProxyFetch.Named(client, type, n))];
        watch.Named.EnsureCapacity(resources.Count);
        // The names that the shared resources have, in place of this request's own copies of them.
        if (resources.Count == wanted.Count) watch.Names = resources.Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
        await SendNamedAsync(type, watch, resources, client).ConfigureAwait(false);
    }

    private static bool IsSame(WatchState watch, IReadOnlyCollection<string> names)
    {
        if (watch.Names == null) return names.Count == 0;
        return names.Count == watch.Names.Count && names.All(watch.Names.Contains);
    }

    protected override async Task PushAsync(PushRequest push)
    {
        var client = NewClient();
        var changedClusters = new HashSet<string>(StringComparer.Ordinal);
        var full = push.IsFull || push.Changed.Any(IsOwnWorkload);
        if (full && Proxy!.Watches[(int)ResourceType.Cluster] is { } clusters) changedClusters = await PushWholeAsync(ResourceType.Cluster, clusters, client).ConfigureAwait(false);
        if (Proxy!.Watches[(int)ResourceType.Endpoint] is { Names: not null } endpoints) await PushEndpointsAsync(push, endpoints, changedClusters, client).ConfigureAwait(false);
        if (!full) return;
        if (Proxy.Watches[(int)ResourceType.Listener] is { } listeners) await PushWholeAsync(ResourceType.Listener, listeners, client).ConfigureAwait(false);
        if (Proxy.Watches[(int)ResourceType.Route] is { Names: not null } routes)
        {
            var changed = ProxyFetch.Changed(client, ResourceType.Route, routes, routes.Names);
            if (changed.Count > 0) await SendNamedAsync(ResourceType.Route, routes, changed, client).ConfigureAwait(false);
        }
    }

    /// <summary>Endpoints of changed clusters are sent in any case: the proxy warms those clusters and waits for them.</summary>
    private async Task PushEndpointsAsync(PushRequest push, WatchState watch, HashSet<string> changedClusters, Client client)
    {
        var affected = ProxyFetch.AffectedEndpoints(push, watch) ?? watch.Names!;
        var names = changedClusters.Count == 0 ? affected : affected.Union(changedClusters.Where(watch.Wants));
        var changed = ProxyFetch.Changed(client, ResourceType.Endpoint, watch, names, changedClusters);
        if (changed.Count > 0) await SendNamedAsync(ResourceType.Endpoint, watch, changed, client).ConfigureAwait(false);
    }

    /// <summary>The names of what changed; empty when nothing did and nothing was sent.</summary>
    private async Task<HashSet<string>> PushWholeAsync(ResourceType type, WatchState watch, Client client)
    {
        var list = ProxyFetch.Whole(client, type, watch);
        var difference = ProxyFetch.Difference(watch.Whole, list);
        if (difference.IsEmpty) return [];
        await SendWholeAsync(type, watch, list, client).ConfigureAwait(false);
        return difference.Resources.Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
    }

    private async Task SendWholeAsync(ResourceType type, WatchState watch, ResourceList list, Client client)
    {
        var before = watch.Whole;
        watch.Whole = list;
        await SendAsync(type, watch, [.. list.All], list.Size, client).ConfigureAwait(false);
        // What the proxy warms now it may ask for again, and waits until it is answered.
        var dependent = Proxy!.Watches[(int)(type == ResourceType.Cluster ? ResourceType.Endpoint : ResourceType.Route)];
        if (dependent?.Names == null) return;
        if (type == ResourceType.Listener) dependent.Due.UnionWith(dependent.Names);
        else dependent.Due.UnionWith(ProxyFetch.Difference(before, list).Resources.Select(r => r.Name).Where(dependent.Names.Contains));
    }

    private async Task SendNamedAsync(ResourceType type, WatchState watch, IReadOnlyCollection<EncodedResource> resources, Client client)
    {
        foreach (var resource in resources)
        {
            watch.Named[resource.Name] = resource;
            watch.Due.Remove(resource.Name);
        }
        await SendAsync(type, watch, resources, resources.Sum(r => (long)r.Size), client).ConfigureAwait(false);
    }

    private Task SendAsync(ResourceType type, WatchState watch, IReadOnlyCollection<EncodedResource> resources, long size, Client client)
    {
        var nonce = Sending(type, watch, client.Snapshot, resources.Count, 0, size);
        var response = new StateResponse { Version = client.Snapshot.Version, TypeUrl = type.Url(), Nonce = nonce, Resources = resources };
        return WriteAsync(() => writer.WriteAsync(response), size);
    }
}
