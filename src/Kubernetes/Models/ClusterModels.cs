using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Models;

/// <summary>core/v1 Namespace.</summary>
public sealed class Namespace(JsonObject json) : KubeObject(json);

/// <summary>core/v1 ServiceAccount.</summary>
public sealed class ServiceAccount(JsonObject json) : KubeObject(json);

/// <summary>core/v1 Node.</summary>
public sealed class Node(JsonObject json) : KubeObject(json)
{
    /// <summary>The label topology.kubernetes.io/region, or its older name.</summary>
    public string Region => Topology("region");

    /// <summary>The label topology.kubernetes.io/zone, or its older name.</summary>
    public string Zone => Topology("zone");

    /// <summary>The address of a type: InternalIP, ExternalIP, Hostname; empty without one.</summary>
    public string AddressOf(string type) => Items(Status["addresses"]).Where(a => Text(a, "type") == type).Select(a => Text(a, "address")).FirstOrDefault() ?? "";

    private string Topology(string what) =>
        Labels.GetValueOrDefault($"topology.kubernetes.io/{what}") ?? Labels.GetValueOrDefault($"failure-domain.beta.kubernetes.io/{what}") ?? "";
}

/// <summary>core/v1 ConfigMap.</summary>
public sealed class ConfigMap(JsonObject json) : KubeObject(json)
{
    /// <summary>data.</summary>
    public IReadOnlyDictionary<string, string> Data => Map(Json["data"]);
}

/// <summary>core/v1 Secret.</summary>
public sealed class Secret(JsonObject json) : KubeObject(json)
{
    /// <summary>type.</summary>
    public string Type => Text(Json, "type");

    /// <summary>data decoded, and stringData over it; an entry that is not Base64 is left out.</summary>
    public IReadOnlyDictionary<string, byte[]> Data
    {
        get
        {
            var data = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var (name, text) in Map(Json["data"]))
            {
                var room = new byte[text.Length];
                if (Convert.TryFromBase64String(text, room, out var length)) data[name] = room[..length];
            }
            foreach (var (name, text) in Map(Json["stringData"])) data[name] = Encoding.UTF8.GetBytes(text);
            return data;
        }
    }
}

/// <summary>apps/v1 Deployment.</summary>
public sealed class Deployment(JsonObject json) : KubeObject(json)
{
    /// <summary>spec.replicas; 1 when absent.</summary>
    public int Replicas => Number(Spec, "replicas") ?? 1;

    /// <summary>status.readyReplicas.</summary>
    public int ReadyReplicas => Number(Status, "readyReplicas") ?? 0;
}
