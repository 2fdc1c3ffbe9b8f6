using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Filters.Http.PeerMetadata;

namespace Lateen.Proxy.Filters.Http.IstioStats;

/// <summary>The standard labels of a request or connection, in Istio's order. Made when a new combination is first seen. Immutable.</summary>
internal sealed class MetricLabels
{
    private readonly List<(string Name, string Value)> _labels = new(25);

    /// <summary>Makes them; the protocol is null for requests, whose key says it.</summary>
    public MetricLabels(MetricKey key, MetricReporter reporter, WorkloadFacts self, string? dynamic, string? protocol = null)
    {
        Dynamic = dynamic?.Split('\0') ?? [];
        IsGrpc = key.IsGrpc;
        var peer = key.Peer ?? (key.Endpoint is { } endpoint ? WorkloadFacts.OfEndpoint(endpoint) : null) ?? WorkloadFacts.Unknown;
        // A certificate is believed before what the peer says of itself.
        var peerNamespace = NamespaceOf(key.PeerPrincipal) ?? peer.Namespace;
        var (host, name) = Service(key);
        var isServer = reporter != MetricReporter.Source;
        Add("reporter", reporter switch { MetricReporter.Source => "source", MetricReporter.Destination => "destination", _ => "waypoint" });
        if (isServer)
        {
            Workload("source", peer, peerNamespace, key.PeerPrincipal, isPeer: true);
            Workload("destination", self, self.Namespace, key.LocalPrincipal, isPeer: false);
            Add("destination_service", host ?? self.CanonicalName);
            Add("destination_service_name", name ?? self.CanonicalName);
            Add("destination_service_namespace", self.Namespace);
        }
        else
        {
            Workload("source", self, self.Namespace, key.LocalPrincipal, isPeer: false);
            Workload("destination", peer, peerNamespace, key.PeerPrincipal, isPeer: true);
            Add("destination_service", host);
            Add("destination_service_name", name);
            Add("destination_service_namespace", peerNamespace);
        }
        Add("request_protocol", protocol ?? (key.IsGrpc ? "grpc" : "http"));
        if (protocol is null)
        {
            _labels.Add(("response_code", key.Status.ToString(CultureInfo.InvariantCulture)));
            _labels.Add(("grpc_response_status", key.GrpcStatus >= 0 ? key.GrpcStatus.ToString(CultureInfo.InvariantCulture) : ""));
        }
        _labels.Add(("response_flags", FormatOperators.FlagsText(key.Flags)));
        Add("connection_security_policy", !isServer ? null : key is { PeerPrincipal: not null, LocalPrincipal: not null } ? "mutual_tls" : "none");
    }

    public IReadOnlyList<(string Name, string Value)> Standard => _labels;

    /// <summary>Values of computed labels, in the order of their expressions.</summary>
    public string[] Dynamic { get; }

    public bool IsGrpc { get; }

    private void Workload(string side, WorkloadFacts facts, string space, string? principal, bool isPeer)
    {
        Add(side + "_workload", facts.Workload);
        Add(side + "_canonical_service", facts.CanonicalName);
        Add(side + "_canonical_revision", facts.CanonicalRevision.Length > 0 || !isPeer ? facts.CanonicalRevision : "latest");
        Add(side + "_workload_namespace", space);
        Add(side + "_principal", principal);
        Add(side + "_app", facts.App);
        Add(side + "_version", facts.Version);
        Add(side + "_cluster", facts.Cluster);
    }

    private void Add(string name, string? value) => _labels.Add((name, string.IsNullOrEmpty(value) ? "unknown" : value));

    /// <summary>Host and name of the service that was meant: what the cluster says, else what the client asked for.</summary>
    private static (string? Host, string? Name) Service(MetricKey key)
    {
        var (host, name) = (key.Host, key.Host);
        if (key.Route == "block_all") return (host, "BlackHoleCluster");
        if (key.Route == "allow_any") return (host, "PassthroughCluster");
        if (key.Cluster is not { } cluster) return (host, name);
        if (cluster.Name is "BlackHoleCluster" or "PassthroughCluster" or "InboundPassthroughCluster" or "InboundPassthroughClusterIpv4" or "InboundPassthroughClusterIpv6") return (host, cluster.Name);
        if (cluster.IstioMetadata?.Fields.TryGetValue("services", out var services) != true || services!.ListValue?.Values is not [{ KindCase: Value.KindOneofCase.StructValue } first, ..]) return (host, name);
        if (first.StructValue.Fields.TryGetValue("host", out var given)) host = given.StringValue;
        return (host, first.StructValue.Fields.TryGetValue("name", out var called) ? called.StringValue : host?.Split('.')[0]);
    }

    /// <summary>The namespace in "spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT".</summary>
    private static string? NamespaceOf(string? principal)
    {
        var at = principal?.IndexOf("/ns/", StringComparison.Ordinal) ?? -1;
        if (at < 0) return null;
        var rest = principal![(at + 4)..];
        var end = rest.IndexOf('/', StringComparison.Ordinal);
        return end < 0 ? rest : rest[..end];
    }
}
