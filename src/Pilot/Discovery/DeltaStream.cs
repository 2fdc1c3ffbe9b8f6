using Envoy.Service.Discovery.V3;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Push;
using Lateen.Rpc.Server;

namespace Lateen.Pilot.Discovery;

/// <summary>One stream of the delta protocol: subscriptions are added and taken away, and responses have differences only. Owned by its call.</summary>
internal sealed class DeltaStream(DiscoveryServer server, RpcResponseWriter<DeltaResponse> writer, RpcServerCall call) : ProxyStream(server, call)
{
    public Task RunAsync(IAsyncEnumerable<DeltaDiscoveryRequest> requests) => RunAsync(requests, OnRequestAsync);

    private async Task OnRequestAsync(DeltaDiscoveryRequest request)
    {
        if (Identify(request.Node, isDelta: true) is not { } proxy || !TryType(request.TypeUrl, out var type)) return;
        CheckNames(request.ResourceNamesSubscribe);
        var watch = proxy.Watches[(int)type];
        var first = watch == null;
        if (watch == null) proxy.Watches[(int)type] = watch = new() { Names = new(StringComparer.Ordinal) };
        if (request.ErrorDetail != null) Refused(type, watch, request.ErrorDetail.Message, request.ErrorDetail.Code);
        else if (request.ResponseNonce.Length > 0)
        {
            if (request.ResponseNonce == watch.NonceSent) Accepted(type, watch, request.ResponseNonce);
            else Stale(type, request.ResponseNonce);
        }
        if (first) Begin(type, watch, request);
        List<string> subscribed = [.. request.ResourceNamesSubscribe.Where(n => n != "*").Distinct(StringComparer.Ordinal)];
        Subscribe(watch, subscribed, request.ResourceNamesUnsubscribe);
        if (first || subscribed.Count > 0) await AnswerAsync(type, watch, subscribed, request.InitialResourceVersions).ConfigureAwait(false);
    }

    /// <summary>Replaces the names whole, since debug pages may be reading the set.</summary>
    private static void Subscribe(WatchState watch, List<string> added, IReadOnlyCollection<string> removed)
    {
        foreach (var name in removed) watch.Named.Remove(name);
        if (watch.Names is not { } names || added.Count + removed.Count == 0) return;
        var next = new HashSet<string>(names, StringComparer.Ordinal);
        next.ExceptWith(removed);
        next.UnionWith(added);
        watch.Names = next;
    }

    /// <summary>A first request without names, or with <c>*</c>, is for everything.</summary>
    private static void Begin(ResourceType type, WatchState watch, DeltaDiscoveryRequest request)
    {
        if (type.IsWhole() && (request.ResourceNamesSubscribe.Count == 0 || request.ResourceNamesSubscribe.Contains("*"))) watch.Names = null;
    }

    /// <summary>What was subscribed is answered, also when it did not change, unless the proxy has just said that it has it.</summary>
    private async Task AnswerAsync(ResourceType type, WatchState watch, List<string> subscribed, IDictionary<string, string> has)
    {
        var client = NewClient();
        List<EncodedResource> resources;
        List<string> removed = [];
        if (type.IsWhole())
        {
            watch.Whole = ProxyFetch.Whole(client, type, watch);
            var all = watch.Whole.All.ToDictionary(r => r.Name, StringComparer.Ordinal);
            resources = [.. watch.Names == null ? all.Values : subscribed.Where(all.ContainsKey).Select(n => all[n])];
            removed.AddRange(has.Keys.Where(n => !all.ContainsKey(n)).Union(subscribed.Where(n => !all.ContainsKey(n))));
        }
        else
        {
            resources = subscribed.ConvertAll(n => ProxyFetch.Named(client, type, n));
            foreach (var resource in resources) watch.Named[resource.Name] = resource;
        }
        resources.RemoveAll(r => has.TryGetValue(r.Name, out var version) && version == r.Version);
        await SendAsync(type, watch, resources, removed, client).ConfigureAwait(false);
    }

    protected override async Task PushAsync(PushRequest push)
    {
        var client = NewClient();
        var full = push.IsFull || push.Changed.Any(IsOwnWorkload);
        var changedClusters = full ? await PushWholeAsync(ResourceType.Cluster, client).ConfigureAwait(false) : [];
        if (Proxy!.Watches[(int)ResourceType.Endpoint] is { } endpoints)
        {
            var affected = ProxyFetch.AffectedEndpoints(push, endpoints) ?? endpoints.Names!;
            await PushNamedAsync(ResourceType.Endpoint, endpoints, affected.Union(changedClusters.Where(endpoints.Wants)), changedClusters, client).ConfigureAwait(false);
        }
        if (!full) return;
        await PushWholeAsync(ResourceType.Listener, client).ConfigureAwait(false);
        if (Proxy.Watches[(int)ResourceType.Route] is { } routes) await PushNamedAsync(ResourceType.Route, routes, routes.Names!, null, client).ConfigureAwait(false);
    }

    private async Task<HashSet<string>> PushWholeAsync(ResourceType type, Client client)
    {
        if (Proxy!.Watches[(int)type] is not { } watch) return [];
        var list = ProxyFetch.Whole(client, type, watch);
        var difference = ProxyFetch.Difference(watch.Whole, list);
        watch.Whole = list;
        if (!difference.IsEmpty) await SendAsync(type, watch, difference.Resources, difference.Removed, client).ConfigureAwait(false);
        return difference.Resources.Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Endpoints of changed clusters are sent in any case: the proxy warms those clusters and does not ask again.</summary>
    private async Task PushNamedAsync(ResourceType type, WatchState watch, IEnumerable<string> names, IReadOnlySet<string>? anyway, Client client)
    {
        var changed = ProxyFetch.Changed(client, type, watch, names, anyway);
        foreach (var resource in changed) watch.Named[resource.Name] = resource;
        if (changed.Count > 0) await SendAsync(type, watch, changed, [], client).ConfigureAwait(false);
    }

    private Task SendAsync(ResourceType type, WatchState watch, IReadOnlyCollection<EncodedResource> resources, IReadOnlyCollection<string> removed, Client client)
    {
        var size = resources.Sum(r => (long)r.Size);
        var nonce = Sending(type, watch, client.Snapshot, resources.Count, removed.Count, size);
        var response = new DeltaResponse { Version = client.Snapshot.Version, TypeUrl = type.Url(), Nonce = nonce, Resources = resources, Removed = removed };
        return WriteAsync(() => writer.WriteAsync(response), size);
    }
}
