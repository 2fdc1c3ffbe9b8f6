using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Discovery;

/// <summary>What changed for one proxy of one type. Immutable.</summary>
internal sealed record TypeChange(IReadOnlyCollection<EncodedResource> Resources, IReadOnlyCollection<string> Removed)
{
    public static readonly TypeChange None = new([], []);

    public bool IsEmpty => Resources.Count == 0 && Removed.Count == 0;
}

/// <summary>Compares what a proxy has with what it should have. Owned by the proxy's stream.</summary>
internal static class ProxyFetch
{
    /// <summary>Everything of a type of which proxies have everything, as far as this one wants it.</summary>
    public static ResourceList Whole(Client client, ResourceType type, WatchState watch)
    {
        var all = type == ResourceType.Cluster ? Generator.Clusters(client, watch.Names) : Generator.Listeners(client, watch.Names);
        return watch.Names == null ? all : new([.. all.All.Where(r => watch.Wants(r.Name))]);
    }

    public static EncodedResource Named(Client client, ResourceType type, string name) =>
        type == ResourceType.Endpoint ? Generator.Endpoints(client, name) : Generator.Route(client, name);

    /// <summary>The difference of two lists: what the newer has and the older has not, or not so.</summary>
    public static TypeChange Difference(ResourceList before, ResourceList after)
    {
        if (before.SameAs(after)) return TypeChange.None;
        var old = before.All.ToDictionary(r => r.Name, StringComparer.Ordinal);
        List<EncodedResource> changed = [];
        foreach (var resource in after.All)
            if (!old.Remove(resource.Name, out var had) || !had.SameAs(resource)) changed.Add(resource);
        return new(changed, old.Keys);
    }

    /// <summary>Of the named resources those that the proxy has not, or not so, and those that it must have anew.</summary>
    public static List<EncodedResource> Changed(Client client, ResourceType type, WatchState watch, IEnumerable<string> names, IReadOnlySet<string>? anyway = null)
    {
        List<EncodedResource> changed = [];
        foreach (var name in names)
        {
            var resource = Named(client, type, name);
            if (!watch.Named.TryGetValue(name, out var had) || !had.SameAs(resource) || anyway?.Contains(name) == true) changed.Add(resource);
        }
        return changed;
    }

    /// <summary>The clusters whose endpoints a push can have changed; null for all of them.</summary>
    public static IEnumerable<string>? AffectedEndpoints(PushRequest push, WatchState watch)
    {
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in push.Changed)
            switch (key.Kind)
            {
                case ConfigKey.Endpoints or ConfigKey.Service:
                    hosts.Add(key.Name);
                    break;
                // Routes, gateways and policies decide which clusters are used, and by whom, not what is in them.
                case "VirtualService" or "Gateway" or "AuthorizationPolicy" or "RequestAuthentication" or "Telemetry" or ConfigKey.Workload when watch.Named.Count > 0:
                    break;
                default:
                    return null;
            }
        return hosts.Count == 0 ? [] : (watch.Names ?? []).Where(n => ClusterName.TryParse(n, out var cluster) && hosts.Contains(cluster.Hostname));
    }
}
