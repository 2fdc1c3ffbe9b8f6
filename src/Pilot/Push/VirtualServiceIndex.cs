using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>All VirtualServices, oldest first, by who may see them. Immutable; replaced when any of them changes.</summary>
internal sealed class VirtualServiceIndex
{
    public static readonly VirtualServiceIndex Empty = new([]);

    private readonly List<VirtualServiceEntry> _public = [];
    private readonly Dictionary<string, List<VirtualServiceEntry>> _own = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<VirtualServiceEntry>> _exported = new(StringComparer.Ordinal);

    private VirtualServiceIndex(IReadOnlyList<VirtualServiceEntry> all)
    {
        All = all;
        foreach (var entry in all)
            if (entry.ExportedTo.IsPublic) _public.Add(entry);
            else
                foreach (var target in entry.ExportedTo.Namespaces) Add(target == entry.Namespace ? _own : _exported, target, entry);
    }

    /// <summary>Every VirtualService that is not a delegate.</summary>
    public IReadOnlyList<VirtualServiceEntry> All { get; }

    /// <summary>
    /// What a proxy in a namespace may see: what the namespace keeps to itself, then what others exported to it, then what
    /// is public; of several rules for one host the first wins.
    /// </summary>
    public IEnumerable<VirtualServiceEntry> VisibleTo(string @namespace)
    {
        IEnumerable<VirtualServiceEntry> visible = _public;
        if (_exported.TryGetValue(@namespace, out var exported)) visible = exported.Concat(visible);
        if (_own.TryGetValue(@namespace, out var own)) visible = own.Concat(visible);
        return visible;
    }

    /// <summary>Builds the index, keeping the entries of <paramref name="previous"/> whose objects did not change.</summary>
    public static VirtualServiceIndex Build(
        IEnumerable<ConfigObject> objects, VirtualServiceIndex previous, string domain, IReadOnlyCollection<string> defaultExportTo, bool keepPrevious)
    {
        var ordered = objects.OldestFirst().ToList();
        var delegates = ordered.Where(o => o.As<VirtualService>().Hosts.Count == 0)
            .ToDictionary(o => new ConfigKey(o.Kind.Kind, o.Namespace, o.Name));
        var known = keepPrevious ? previous.All.ToDictionary(e => e.Key) : [];
        var entries = new List<VirtualServiceEntry>(ordered.Count);
        foreach (var config in ordered)
        {
            if (config.As<VirtualService>().Hosts.Count == 0) continue;
            var key = new ConfigKey(config.Kind.Kind, config.Namespace, config.Name);
            if (known.TryGetValue(key, out var same) && ReferenceEquals(same.Config, config) && same.Delegates.Count == 0) entries.Add(same);
            else entries.Add(Compile(config, delegates, domain, defaultExportTo, same));
        }
        return new(entries);
    }

    private static VirtualServiceEntry Compile(
        ConfigObject config, Dictionary<ConfigKey, ConfigObject> delegates, string domain, IReadOnlyCollection<string> defaultExportTo, VirtualServiceEntry? same)
    {
        var rule = config.As<VirtualService>().Clone();
        ShortNames.Complete(rule, config.Namespace, domain);
        List<ConfigKey> used = [];
        if (rule.Http.Any(r => r.Delegate != null)) MergeDelegates(rule, config, delegates, domain, defaultExportTo, used);
        if (same != null && ReferenceEquals(same.Config, config) && same.Spec.Equals(rule)) return same;
        return new(config, rule, defaultExportTo) { Delegates = used };
    }

    private static void MergeDelegates(
        VirtualService rule, ConfigObject config, Dictionary<ConfigKey, ConfigObject> delegates, string domain,
        IReadOnlyCollection<string> defaultExportTo, List<ConfigKey> used)
    {
        var routes = rule.Http.ToList();
        rule.Http.Clear();
        foreach (var route in routes)
        {
            if (route.Delegate is not { } named)
            {
                rule.Http.Add(route);
                continue;
            }
            var key = new ConfigKey(config.Kind.Kind, named.Namespace.Length == 0 ? config.Namespace : named.Namespace, named.Name);
            used.Add(key);
            if (!delegates.TryGetValue(key, out var found)) continue;
            var part = found.As<VirtualService>().Clone();
            if (!Visibility.Read(part.ExportTo, found.Namespace, defaultExportTo).Includes(config.Namespace)) continue;
            ShortNames.Complete(part, found.Namespace, domain);
            rule.Http.AddRange(DelegateMerge.Merge(route, part.Http));
        }
    }

    private static void Add(Dictionary<string, List<VirtualServiceEntry>> lists, string key, VirtualServiceEntry entry)
    {
        if (!lists.TryGetValue(key, out var list)) lists[key] = list = [];
        list.Add(entry);
    }
}
