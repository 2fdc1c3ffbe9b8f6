using System.Collections.Frozen;
using System.Net;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>A service as names see it. Immutable.</summary>
/// <param name="Namespace">Namespace.</param>
/// <param name="Name">Name.</param>
/// <param name="ClusterAddresses">Its own addresses; empty for a headless service and for an external name.</param>
/// <param name="ExternalName">The name that it stands for, or null.</param>
/// <param name="Ports">Named ports with protocol and number.</param>
/// <param name="Endpoints">The endpoints of a headless service; not looked at otherwise.</param>
internal sealed record DnsService(
    string Namespace,
    string Name,
    IReadOnlyList<IPAddress> ClusterAddresses,
    string? ExternalName,
    IReadOnlyList<DnsPort> Ports,
    IReadOnlyList<DnsEndpoint> Endpoints);

/// <summary>A port of a service. Immutable.</summary>
/// <param name="Name">Name, or empty.</param>
/// <param name="Protocol">tcp, udp or sctp.</param>
/// <param name="Number">Port number.</param>
internal sealed record DnsPort(string Name, string Protocol, int Number);

/// <summary>An endpoint of a headless service. Immutable.</summary>
/// <param name="Address">Its address.</param>
/// <param name="HostName">Its name below the service, or null.</param>
internal sealed record DnsEndpoint(IPAddress Address, string? HostName);

/// <summary>Every name of the cluster, as Kubernetes' "DNS-Based Service Discovery" 1.1.0 lays down. Immutable.</summary>
internal sealed class DnsZoneSnapshot
{
    private readonly FrozenDictionary<string, DnsRecord[]> _records;
    private readonly FrozenSet<string> _parents;

    private DnsZoneSnapshot(string domain, Dictionary<string, List<DnsRecord>> records)
    {
        Domain = domain;
        _records = records.ToFrozenDictionary(entry => entry.Key, entry => entry.Value.Distinct(SameRecord.Instance).ToArray());
        var parents = new HashSet<string>();
        foreach (var name in records.Keys)
            for (var dot = name.IndexOf('.'); dot >= 0; dot = name.IndexOf('.', dot + 1)) parents.Add(name[(dot + 1)..]);
        _parents = parents.ToFrozenSet();
        Authority = DnsRecord.Authority(domain);
    }

    /// <summary>What is known before the services have been read; told by reference.</summary>
    public static DnsZoneSnapshot Unknown { get; } = new("", []);

    /// <summary>The cluster's domain, such as cluster.local.</summary>
    public string Domain { get; }

    /// <summary>The SOA record for empty answers.</summary>
    public DnsRecord Authority { get; }

    /// <summary>Compiles the services' names.</summary>
    public static DnsZoneSnapshot Compile(string domain, IEnumerable<DnsService> services)
    {
        var records = new Dictionary<string, List<DnsRecord>>();
        Add(records, DnsRecord.Text($"dns-version.{domain}", "1.1.0"));
        foreach (var service in services)
        {
            var name = $"{service.Name}.{service.Namespace}.svc.{domain}";
            if (service.ExternalName is { } target) Add(records, DnsRecord.Alias(name, target.TrimEnd('.').ToLowerInvariant()));
            else if (service.ClusterAddresses.Count > 0) AddWithAddress(records, service, name);
            else AddHeadless(records, service, name);
        }
        return new DnsZoneSnapshot(domain, records);
    }

    /// <summary>Whether a name is the cluster's own to answer.</summary>
    public bool Owns(string name) => name == Domain || name.EndsWith("." + Domain, StringComparison.Ordinal) || _records.ContainsKey(name);

    /// <summary>The records of a name.</summary>
    /// <returns>Null when neither the name nor one below it exists.</returns>
    public IReadOnlyList<DnsRecord>? Find(string name)
    {
        if (_records.TryGetValue(name, out var found)) return found;
        if (PodAddress(name) is { } address) return [DnsRecord.Address(name, address)];
        return name == Domain || _parents.Contains(name) ? [] : null;
    }

    private static void AddWithAddress(Dictionary<string, List<DnsRecord>> records, DnsService service, string name)
    {
        foreach (var address in service.ClusterAddresses)
        {
            Add(records, DnsRecord.Address(name, address));
            Add(records, DnsRecord.Pointer(address, name));
        }
        foreach (var port in service.Ports.Where(port => port.Name.Length > 0))
            Add(records, DnsRecord.Service($"_{port.Name}._{port.Protocol}.{name}", port.Number, name));
    }

    private static void AddHeadless(Dictionary<string, List<DnsRecord>> records, DnsService service, string name)
    {
        foreach (var endpoint in service.Endpoints)
        {
            var host = $"{endpoint.HostName ?? endpoint.Address.ToString().Replace('.', '-')}.{name}";
            Add(records, DnsRecord.Address(name, endpoint.Address));
            Add(records, DnsRecord.Address(host, endpoint.Address));
            Add(records, DnsRecord.Pointer(endpoint.Address, host));
            foreach (var port in service.Ports.Where(port => port.Name.Length > 0))
                Add(records, DnsRecord.Service($"_{port.Name}._{port.Protocol}.{name}", port.Number, host));
        }
    }

    private static void Add(Dictionary<string, List<DnsRecord>> records, DnsRecord record)
    {
        if (!records.TryGetValue(record.Name, out var list)) records[record.Name] = list = [];
        list.Add(record);
    }

    // 10-244-0-7.NAMESPACE.pod.DOMAIN is 10.244.0.7 whether such a pod runs or not, as CoreDNS's "pods insecure".
    private IPAddress? PodAddress(string name)
    {
        if (!name.EndsWith(".pod." + Domain, StringComparison.Ordinal)) return null;
        var labels = name[..^(Domain.Length + 5)].Split('.');
        return labels.Length == 2 && labels[0].Count(letter => letter == '-') == 3 && IPAddress.TryParse(labels[0].Replace('-', '.'), out var address) ? address : null;
    }

    private sealed class SameRecord : IEqualityComparer<DnsRecord>
    {
        public static readonly SameRecord Instance = new();

        public bool Equals(DnsRecord? x, DnsRecord? y) => x!.Name == y!.Name && x.Type == y.Type && x.Content.AsSpan().SequenceEqual(y.Content);

        public int GetHashCode(DnsRecord record) => HashCode.Combine(record.Name, record.Type, record.Content.Length);
    }
}
