using System.Text.Json.Nodes;

namespace Lateen.Agent.Bootstrap;

/// <summary>
/// Who a proxy is, as the control plane knows it: id, cluster and metadata, from the pod's environment and the files of the
/// downward API. Immutable. Source: inventory AGT; Istio's bootstrap of 1.30.
/// </summary>
internal sealed record NodeIdentity(string Id, string Cluster, JsonObject Metadata, string Locality)
{
    private const string MetaPrefix = "ISTIO_META_";

    /// <summary>The workload's address.</summary>
    public string Address => Id.Split('~')[1];

    /// <summary>
    /// Where the agent and the proxy listen themselves: anywhere, unless the pod shares its machine's network with others (it captures
    /// nothing, and its address is a loopback one).
    /// </summary>
    public string OwnAddress => (string?)Metadata["INTERCEPTION_MODE"] == "NONE" && Address.StartsWith("127.", StringComparison.Ordinal) && Address != "127.0.0.1" ? Address : "0.0.0.0";

    /// <summary>Where the proxy's administration interface is.</summary>
    public string AdminAddress => OwnAddress == "0.0.0.0" ? "127.0.0.1" : OwnAddress;

    public static NodeIdentity Read(string role, string? domain, JsonObject proxyConfig, Func<string, string?> environment, IReadOnlyDictionary<string, string> allVariables, string podInfo)
    {
        var (pod, ns) = (environment("POD_NAME") ?? Environment.MachineName, environment("POD_NAMESPACE") ?? "default");
        var address = environment("INSTANCE_IP") is { Length: > 0 } given ? given : "127.0.0.1";
        var labels = ReadMap(Path.Combine(podInfo, "labels"));
        var annotations = ReadMap(Path.Combine(podInfo, "annotations"));
        var metadata = new JsonObject
        {
            ["NAME"] = pod,
            ["NAMESPACE"] = ns,
            ["POD_NAME"] = pod,
            ["INSTANCE_IPS"] = address,
            ["SERVICE_ACCOUNT"] = environment("SERVICE_ACCOUNT") ?? "default",
            ["ISTIO_VERSION"] = typeof(NodeIdentity).Assembly.GetName().Version!.ToString(3),
            ["ENVOY_STATUS_PORT"] = 15021,
            ["ENVOY_PROMETHEUS_PORT"] = 15090,
            ["INTERCEPTION_MODE"] = "REDIRECT",
            ["PROXY_CONFIG"] = proxyConfig.DeepClone(),
            ["LABELS"] = Json(labels),
            ["ANNOTATIONS"] = Json(annotations),
            ["NODE_NAME"] = environment("NODE_NAME") ?? "",
        };
        foreach (var (name, value) in allVariables)
            if (name.StartsWith(MetaPrefix, StringComparison.Ordinal))
                metadata[name[MetaPrefix.Length..]] = value;
        var app = labels.GetValueOrDefault("app") ?? labels.GetValueOrDefault("app.kubernetes.io/name") ?? labels.GetValueOrDefault("service.istio.io/canonical-name") ?? "istio-proxy";
        return new NodeIdentity($"{role}~{address}~{pod}.{ns}~{domain ?? $"{ns}.svc.cluster.local"}", $"{app}.{ns}", metadata, labels.GetValueOrDefault("istio-locality", ""));
    }

    /// <summary>Lines of the form <c>key="value"</c>, as the downward API writes them.</summary>
    private static Dictionary<string, string> ReadMap(string file)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(file)) return map;
        foreach (var line in File.ReadAllLines(file))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) continue;
            var text = line[(equals + 1)..];
            try
            {
                map[line[..equals]] = text.StartsWith('"') ? (string?)JsonNode.Parse(text) ?? "" : text;
            }
            catch (System.Text.Json.JsonException)
            {
                map[line[..equals]] = text.Trim('"');
            }
        }
        return map;
    }

    private static JsonObject Json(Dictionary<string, string> map) => new(map.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));
}
