using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Expressions;

namespace Lateen.Proxy.Filters.Http.PeerMetadata;

/// <summary>
/// Who a workload says it is: what proxies tell each other in x-envoy-peer-metadata and metrics show in their labels.
/// Immutable. Source: Istio's proxy, extensions/common/metadata_object.
/// </summary>
internal sealed record WorkloadFacts : ICelObject
{
    /// <summary>Filter state under which the two peers of a stream are kept.</summary>
    public const string DownstreamKey = "downstream_peer", UpstreamKey = "upstream_peer";

    private const string CanonicalNameLabel = "service.istio.io/canonical-name", CanonicalRevisionLabel = "service.istio.io/canonical-revision";

    public static readonly WorkloadFacts Unknown = new();

    public string Instance { get; init; } = "";

    public string Workload { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string Cluster { get; init; } = "";

    public string Owner { get; init; } = "";

    public string App { get; init; } = "";

    public string Version { get; init; } = "";

    public string CanonicalName { get; init; } = "";

    public string CanonicalRevision { get; init; } = "";

    /// <summary>Further labels that the configuration asks for.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>From a node's metadata, which is also the form on the wire.</summary>
    public static WorkloadFacts Of(Struct? metadata, IReadOnlyCollection<string> additionalLabels)
    {
        if (metadata is null) return Unknown;
        var labels = metadata.Fields.TryGetValue("LABELS", out var value) ? value.StructValue : null;
        return new WorkloadFacts
        {
            Instance = Text(metadata, "NAME"),
            Workload = Text(metadata, "WORKLOAD_NAME"),
            Namespace = Text(metadata, "NAMESPACE"),
            Cluster = Text(metadata, "CLUSTER_ID"),
            Owner = Text(metadata, "OWNER"),
            App = Text(labels, "app"),
            Version = Text(labels, "version"),
            CanonicalName = Text(labels, CanonicalNameLabel),
            CanonicalRevision = Text(labels, CanonicalRevisionLabel),
            Labels = additionalLabels.Select(label => (label, Text(labels, label))).Where(pair => pair.Item2.Length > 0).ToDictionary(pair => pair.label, pair => pair.Item2, StringComparer.Ordinal),
        };
    }

    /// <summary>From an endpoint's "workload;namespace;canonical name;canonical revision;cluster", as Istio's control plane writes it.</summary>
    public static WorkloadFacts? OfEndpoint(string text)
    {
        if (text.Split(';') is not [var workload, var space, var name, var revision, var cluster, ..]) return null;
        return new WorkloadFacts { Workload = workload, Namespace = space, CanonicalName = name, CanonicalRevision = revision, Cluster = cluster };
    }

    /// <summary>Reads what a peer sent; null when it is no structure.</summary>
    public static WorkloadFacts? Parse(ReadOnlySpan<byte> base64, IReadOnlyCollection<string> additionalLabels)
    {
        try
        {
            var text = System.Text.Encoding.ASCII.GetString(base64.TrimEnd((byte)'='));
            return Of(Struct.Parser.ParseFrom(Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='))), additionalLabels);
        }
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>The form on the wire, the same bytes for the same facts.</summary>
    public string ToBase64()
    {
        var labels = new Struct();
        foreach (var (name, value) in Labels.Append(new("app", App)).Append(new("version", Version)).Append(new(CanonicalNameLabel, CanonicalName)).Append(new(CanonicalRevisionLabel, CanonicalRevision))
                     .Where(label => label.Value.Length > 0).OrderBy(label => label.Key, StringComparer.Ordinal))
            labels.Fields[name] = Value.ForString(value);
        var metadata = new Struct();
        foreach (var (name, value) in new[] { ("CLUSTER_ID", Cluster), ("LABELS", ""), ("NAME", Instance), ("NAMESPACE", Namespace), ("OWNER", Owner), ("WORKLOAD_NAME", Workload) })
            if (name == "LABELS") metadata.Fields[name] = Value.ForStruct(labels);
            else if (value.Length > 0) metadata.Fields[name] = Value.ForString(value);
        return Convert.ToBase64String(metadata.ToByteArray());
    }

    public CelValue ToCel() => CelValue.Of(field => field switch
    {
        "workload" => CelValue.Of(Workload),
        "namespace" => CelValue.Of(Namespace),
        "cluster" => CelValue.Of(Cluster),
        "name" => CelValue.Of(Instance),
        "app" => CelValue.Of(App),
        "version" => CelValue.Of(Version),
        "service" => CelValue.Of(CanonicalName),
        "revision" => CelValue.Of(CanonicalRevision),
        "labels" => CelValue.Of(name => Labels.TryGetValue(name, out var value) ? CelValue.Of(value) : CelValue.Error),
        _ => CelValue.Error,
    });

    private static string Text(Struct? from, string key) => from?.Fields.TryGetValue(key, out var value) == true ? value.StringValue : "";
}
