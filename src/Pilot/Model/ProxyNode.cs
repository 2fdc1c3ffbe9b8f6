using System.Globalization;
using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Pilot.Model;

internal enum ProxyKind { Sidecar, Router }

/// <summary>How a sidecar's traffic reaches it.</summary>
internal enum InterceptionMode { Redirect, Tproxy, None }

/// <summary>
/// A proxy as it announced itself: its id <c>type~ip~name.namespace~domain</c> and the metadata of its bootstrap
/// (pilot/pkg/model/context.go). Immutable.
/// </summary>
internal sealed class ProxyNode
{
    private readonly HashSet<string> _extensions;

    private ProxyNode(Node node, string[] id)
    {
        Id = node.Id;
        Cluster = node.Cluster;
        var metadata = node.Metadata ?? new();
        Kind = id[0] == "router" ? ProxyKind.Router : ProxyKind.Sidecar;
        Name = id[2];
        DnsDomain = id[3];
        Addresses = ReadAddresses(id[1], Text(metadata, "INSTANCE_IPS"));
        Namespace = FirstOf(Text(metadata, "NAMESPACE"), Text(metadata, "CONFIG_NAMESPACE"), NamespaceOf(id));
        Labels = ReadLabels(metadata);
        LabelKey = Model.Labels.Canonical(Labels);
        ClusterId = FirstOf(Text(metadata, "CLUSTER_ID"), "Kubernetes");
        Network = Text(metadata, "NETWORK");
        Generator = Text(metadata, "GENERATOR");
        IstioVersion = FirstOf(Text(metadata, "ISTIO_VERSION"), Text(metadata, "ISTIO_PROXY_VERSION"));
        Interception = Text(metadata, "INTERCEPTION_MODE") switch
        {
            "TPROXY" => InterceptionMode.Tproxy,
            "NONE" => InterceptionMode.None,
            _ => InterceptionMode.Redirect,
        };
        AcceptsHttp10 = Text(metadata, "HTTP10") is "1" or "true";
        IsUnprivileged = Text(metadata, "UNPRIVILEGED_POD") == "true";
        HttpProxyPort = int.TryParse(Text(metadata, "HTTP_PROXY_PORT"), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0;
        ApplicationAddress = FirstOf(Text(metadata, "APP_ADDRESS"), "127.0.0.1");
        WorkloadName = Text(metadata, "WORKLOAD_NAME");
        MeshId = Text(metadata, "MESH_ID");
        ServiceAccount = Text(metadata, "SERVICE_ACCOUNT");
        Locality = node.Locality is { } l && (l.Region.Length > 0 || l.Zone.Length > 0)
            ? new(l.Region, l.Zone, l.SubZone)
            : Model.Locality.Parse(Labels.GetValueOrDefault("istio-locality"));
        UserAgent = node.UserAgentName;
        _extensions = [.. node.Extensions.Where(e => !e.Disabled).Select(e => e.Name)];
        IsGrpc = Generator == "grpc" || node.UserAgentName.StartsWith("grpc", StringComparison.OrdinalIgnoreCase) || node.UserAgentName.StartsWith("gRPC", StringComparison.Ordinal);
        ProxyConfig = metadata.Fields.TryGetValue("PROXY_CONFIG", out var config) && config.KindCase == Value.KindOneofCase.StructValue ? config.StructValue : null;
    }

    public string Id { get; }

    /// <summary>What it calls the program that it stands for, such as <c>reviews.default</c>.</summary>
    public string Cluster { get; }

    public ProxyKind Kind { get; }

    /// <summary><c>pod.namespace</c>.</summary>
    public string Name { get; }

    /// <summary>The search domain of the proxy's DNS, such as <c>default.svc.cluster.local</c>.</summary>
    public string DnsDomain { get; }

    /// <summary>The addresses of the workload, the main one first; never empty.</summary>
    public IReadOnlyList<string> Addresses { get; }

    public string Namespace { get; }
    public IReadOnlyDictionary<string, string> Labels { get; }

    /// <summary>The labels as one string, for keys.</summary>
    public string LabelKey { get; }

    public string ClusterId { get; }
    public string Network { get; }
    public string Generator { get; }
    public string IstioVersion { get; }
    public InterceptionMode Interception { get; }
    /// <summary>Whether it stands, with others, at loopback addresses of a machine, where nothing is captured (ours).</summary>
    public bool SharesLoopback => Interception == InterceptionMode.None && Addresses[0].StartsWith("127.", StringComparison.Ordinal) && Addresses[0] != "127.0.0.1";

    public bool AcceptsHttp10 { get; }

    /// <summary>Whether ports below 1024 are out of its reach.</summary>
    public bool IsUnprivileged { get; }

    public int HttpProxyPort { get; }

    /// <summary>Where the application listens when nothing captures its traffic (metadata APP_ADDRESS, ours).</summary>
    public string ApplicationAddress { get; }

    public string WorkloadName { get; }
    public string MeshId { get; }
    public string ServiceAccount { get; }
    public Locality Locality { get; }
    public string UserAgent { get; }

    /// <summary>A gRPC client that speaks xDS itself, without a proxy.</summary>
    public bool IsGrpc { get; }

    /// <summary>The settings of its own that its bootstrap was made of; null when it sends none.</summary>
    public Struct? ProxyConfig { get; }

    /// <summary>
    /// Whether the proxy has a filter or other extension. One that lists its extensions has those; one that lists none is
    /// taken for a stock Envoy, which has everything but Istio's own, unless it says that it is another program.
    /// </summary>
    public bool HasExtension(string name) =>
        _extensions.Count > 0 ? _extensions.Contains(name) : UserAgent is "" or "envoy" && !name.StartsWith("istio.", StringComparison.Ordinal);

    /// <summary>Reads a node; null with a reason when it does not name a proxy of a mesh.</summary>
    public static ProxyNode? Parse(Node? node, out string error)
    {
        error = "";
        if (node == null || node.Id.Length == 0) error = "missing node id";
        else if (node.Id.Length > 1024) error = "the node id is longer than 1024 bytes";
        else
        {
            var parts = node.Id.Split('~');
            if (parts.Length != 4) error = $"missing parts in the service node {node.Id}";
            else if (parts[0] is not ("sidecar" or "router" or "ingress")) error = $"invalid node type (valid types: sidecar, router) in the service node {node.Id}";
            else if (!IPAddress.TryParse(parts[1], out _) && node.Metadata?.Fields.ContainsKey("INSTANCE_IPS") != true) error = $"no valid IP address in the service node {node.Id}";
            else return new(node, parts);
        }
        return null;
    }

    private static List<string> ReadAddresses(string main, string instances)
    {
        List<string> addresses = IPAddress.TryParse(main, out _) ? [main] : [];
        foreach (var address in instances.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (IPAddress.TryParse(address, out _) && !addresses.Contains(address) && addresses.Count < 64) addresses.Add(address);
        if (addresses.Count == 0) addresses.Add("0.0.0.0");
        return addresses;
    }

    private static Dictionary<string, string> ReadLabels(Struct metadata)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (metadata.Fields.TryGetValue("LABELS", out var value) && value.KindCase == Value.KindOneofCase.StructValue)
            foreach (var (key, label) in value.StructValue.Fields) labels[key] = AsText(label);
        return labels;
    }

    private static string NamespaceOf(string[] id)
    {
        var dot = id[2].LastIndexOf('.');
        if (dot >= 0) return id[2][(dot + 1)..];
        var domain = id[3].IndexOf('.', StringComparison.Ordinal);
        return domain > 0 ? id[3][..domain] : "";
    }

    private static string FirstOf(params ReadOnlySpan<string> values)
    {
        foreach (var value in values)
            if (value.Length > 0) return value;
        return "";
    }

    private static string Text(Struct metadata, string key) => metadata.Fields.TryGetValue(key, out var value) ? AsText(value) : "";

    private static string AsText(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StringValue => value.StringValue,
        Value.KindOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        Value.KindOneofCase.NumberValue => value.NumberValue.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };
}
