using Envoy.Config.Route.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Xds;

/// <summary>Route tables by name and origin, in slots that connection managers hold. Guarded by the lock of <see cref="ResourceState"/>.</summary>
internal sealed class RouteResources
{
    private readonly Dictionary<string, Entry> _routes = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public required RouteSlot Slot;
        public RouteConfiguration? Message;
        public string Version = "";
    }

    /// <summary>The slot of a table; the same for the same name and origin.</summary>
    public RouteSlot SlotOf(string name, ConfigOrigin origin)
    {
        var key = origin.KeyOf(name);
        if (!_routes.TryGetValue(key, out var entry)) _routes[key] = entry = new Entry { Slot = new RouteSlot(name) { Origin = origin } };
        return entry.Slot;
    }

    /// <exception cref="ConfigRefusedException">It cannot be honoured; the table before it stays.</exception>
    public void Apply(RouteConfiguration route, string version, string? file)
    {
        var origin = new ConfigOrigin(file, null, 0);
        var table = RouteCompiler.Compile(route);
        SlotOf(route.Name, origin).Table = table;
        var entry = _routes[origin.KeyOf(route.Name)];
        (entry.Message, entry.Version) = (route, version);
    }

    /// <summary>
    /// The control plane has no tables of these names: who waits for one waits no more and answers 404; a table that was
    /// there stays, as in Envoy.
    /// </summary>
    public void Without(IEnumerable<string> names)
    {
        foreach (var name in names)
            if (_routes.TryGetValue(name, out var entry))
                entry.Slot.Table ??= Http.Routing.RouteTable.Empty;
    }

    /// <summary>Forgets the tables that nobody refers to any more.</summary>
    public void KeepOnly(IEnumerable<RouteSlot> used)
    {
        var keys = used.Select(slot => slot.Origin.KeyOf(slot.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var unused in _routes.Keys.Where(key => !keys.Contains(key)).ToList()) _routes.Remove(unused);
    }

    public DumpedResource[] Dump() => [.. _routes.Values.Where(entry => entry.Message is not null).Select(entry => new DumpedResource(entry.Slot.Name, entry.Message!, entry.Version, false, true))];
}
