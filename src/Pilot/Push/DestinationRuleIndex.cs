using Istio.Networking.V1Alpha3;
using Lateen.Config;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>
/// All DestinationRules and the order in which a client looks for one: its own namespace, the service's, the root
/// (pilot/pkg/model/push_context.go#destinationRule). Immutable; replaced when any of them changes.
/// </summary>
internal sealed class DestinationRuleIndex
{
    public static readonly DestinationRuleIndex Empty = new("", []);

    private readonly string _rootNamespace;
    private readonly Dictionary<string, HostTable<Slots>> _local = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HostTable<Slots>> _exported = new(StringComparer.Ordinal);
    private readonly HostTable<Slots> _rootPrivate = new();
    private readonly Dictionary<string, DestinationRuleEntry> _known = new(StringComparer.Ordinal);

    private DestinationRuleIndex(string rootNamespace, IReadOnlyList<ConfigObject> ordered) => (_rootNamespace, Count) = (rootNamespace, ordered.Count);

    public int Count { get; }

    public static DestinationRuleIndex Build(
        IEnumerable<ConfigObject> objects, DestinationRuleIndex previous, string domain, string rootNamespace, IReadOnlyCollection<string> defaultExportTo)
    {
        var ordered = objects.OldestFirst().ToList();
        var index = new DestinationRuleIndex(rootNamespace, ordered);
        foreach (var config in ordered) index.Add(config, domain, defaultExportTo);
        foreach (var slots in index._local.Values.Concat(index._exported.Values).Append(index._rootPrivate).SelectMany(t => t.Values))
            foreach (var slot in slots.Items) slot.Entry = index.Intern(slot, slots.Host, previous);
        return index;
    }

    /// <summary>The rules for a service as a client's namespace sees them; which one applies may depend on the client's labels.</summary>
    public IReadOnlyList<DestinationRuleEntry> Find(Service service, string clientNamespace)
    {
        if (clientNamespace != _rootNamespace)
        {
            if (_local.TryGetValue(clientNamespace, out var local) && local.TryMatch(service.Hostname, out var own)) return own.Entries;
        }
        else if (_rootPrivate.TryMatch(service.Hostname, out var own)) return own.Entries;

        var exported = Exported(service.Namespace, service.Hostname, clientNamespace);
        return exported.Count > 0 ? exported : Exported(_rootNamespace, service.Hostname, clientNamespace);
    }

    private IReadOnlyList<DestinationRuleEntry> Exported(string owner, string hostname, string clientNamespace)
    {
        if (!_exported.TryGetValue(owner, out var table) || !table.TryMatch(hostname, out var slots)) return [];
        if (slots.Items.TrueForAll(s => s.IsVisibleTo(clientNamespace))) return slots.Entries;
        return [.. slots.Items.Where(s => s.IsVisibleTo(clientNamespace)).Select(s => s.Entry)];
    }

    private void Add(ConfigObject config, string domain, IReadOnlyCollection<string> defaultExportTo)
    {
        var rule = config.As<DestinationRule>();
        var host = Hostnames.Qualify(rule.Host.ToLowerInvariant(), config.Namespace, domain);
        HashSet<string> exportTo = rule.WorkloadSelector != null ? ["."] : [.. rule.ExportTo];
        var reachesOwn = exportTo.Count == 0 || exportTo.Contains("*") || exportTo.Contains(".") || exportTo.Contains(config.Namespace);
        if (reachesOwn) Table(_local, config.Namespace).AddTo(host, config, exportTo);

        var isPrivate = exportTo.Count == 0
            ? defaultExportTo.Contains(".")
            : exportTo.Count == 1 && (exportTo.Contains(".") || exportTo.Contains(config.Namespace));
        if (!isPrivate) Table(_exported, config.Namespace).AddTo(host, config, exportTo);
        else if (config.Namespace == _rootNamespace) _rootPrivate.AddTo(host, config, exportTo);
    }

    /// <summary>The entry of the same objects if there was one, since clusters are cached by an entry's identity.</summary>
    private DestinationRuleEntry Intern(Slot slot, string host, DestinationRuleIndex previous)
    {
        var key = host + "\n" + string.Join("\n", slot.Sources.Select(s => $"{s.Namespace}/{s.Name}"));
        if (!_known.TryGetValue(key, out var entry)
            && (!previous._known.TryGetValue(key, out entry) || !entry.Sources.SequenceEqual(slot.Sources, ReferenceEqualityComparer.Instance)))
            entry = new(slot.Sources, host);
        return _known[key] = entry;
    }

    private static HostTable<Slots> Table(Dictionary<string, HostTable<Slots>> tables, string key)
    {
        if (!tables.TryGetValue(key, out var table)) tables[key] = table = new();
        return table;
    }
}

/// <summary>The rules of one host in one table, merged where export and selector agree.</summary>
internal sealed class Slots(string host)
{
    private List<DestinationRuleEntry>? _entries;

    public string Host { get; } = host;
    public List<Slot> Items { get; } = [];
    public IReadOnlyList<DestinationRuleEntry> Entries => _entries ??= Items.ConvertAll(s => s.Entry);

    public void Add(ConfigObject config, HashSet<string> exportTo)
    {
        var separate = true;
        foreach (var slot in Items)
        {
            if (!slot.HasSelectorOf(config)) continue;
            var same = exportTo.SetEquals(slot.ExportTo);
            if (!same && (slot.ExportTo.Count == 0 || !exportTo.IsSupersetOf(slot.ExportTo))) continue;
            slot.Sources.Add(config);
            separate &= !same;
        }
        if (separate) Items.Add(new(config, exportTo));
    }
}

/// <summary>Rules that apply together.</summary>
internal sealed class Slot(ConfigObject first, HashSet<string> exportTo)
{
    public List<ConfigObject> Sources { get; } = [first];
    public HashSet<string> ExportTo { get; } = exportTo;
    public DestinationRuleEntry Entry { get; set; } = null!;

    public bool IsVisibleTo(string clientNamespace) =>
        ExportTo.Count == 0 || ExportTo.Contains("*") || ExportTo.Contains(clientNamespace)
        || (ExportTo.Contains(".") && Sources[0].Namespace == clientNamespace);

    public bool HasSelectorOf(ConfigObject config)
    {
        var mine = Sources[0].As<DestinationRule>().WorkloadSelector;
        var other = config.As<DestinationRule>().WorkloadSelector;
        return mine == null ? other == null : other != null && mine.Equals(other);
    }
}

file static class SlotTables
{
    public static void AddTo(this HostTable<Slots> table, string host, ConfigObject config, HashSet<string> exportTo)
    {
        if (!table.TryGet(host, out var slots)) table.Set(host, slots = new(host));
        slots.Add(config, exportTo);
    }
}
