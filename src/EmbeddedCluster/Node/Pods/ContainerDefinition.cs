using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>What a container is for in its pod.</summary>
internal enum ContainerRole
{
    /// <summary>Runs once, before the next.</summary>
    Init,

    /// <summary>Starts in its place among the init containers and stays (init container with restartPolicy Always).</summary>
    Sidecar,

    /// <summary>The pod's purpose.</summary>
    Main,
}

/// <summary>One container as the pod's specification has it (Container of core/v1). Immutable.</summary>
internal sealed class ContainerDefinition(JsonObject json, ContainerRole role)
{
    /// <summary>The container's object.</summary>
    public JsonObject Json { get; } = json;

    /// <summary>What it is for.</summary>
    public ContainerRole Role { get; } = role;

    /// <summary>Name in the pod.</summary>
    public string Name { get; } = json.TextOf("name");

    /// <summary>Image.</summary>
    public string Image => Json.TextOf("image");

    /// <summary>Changes when anything does that a running container cannot follow.</summary>
    public string Hash { get; } = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(json.TextOf("image"))))[..16];

    /// <summary>securityContext.</summary>
    public JsonObject Security => Json.ObjectOf("securityContext");

    /// <summary>livenessProbe, or null.</summary>
    public JsonObject? Liveness => Json["livenessProbe"] as JsonObject;

    /// <summary>readinessProbe, or null.</summary>
    public JsonObject? Readiness => Json["readinessProbe"] as JsonObject;

    /// <summary>startupProbe, or null.</summary>
    public JsonObject? Startup => Json["startupProbe"] as JsonObject;

    /// <summary>lifecycle.postStart, or null.</summary>
    public JsonObject? PostStart => Json.ObjectOf("lifecycle")["postStart"] as JsonObject;

    /// <summary>lifecycle.preStop, or null.</summary>
    public JsonObject? PreStop => Json.ObjectOf("lifecycle")["preStop"] as JsonObject;

    /// <summary>Number of a port that is given by number or by the name of a declared port.</summary>
    /// <returns>Null when no port has that name.</returns>
    public int? PortOf(JsonNode? port)
    {
        if (port is not JsonValue value) return null;
        if (value.TryGetValue<int>(out var number)) return number;
        if (!value.TryGetValue<string>(out var name)) return null;
        if (int.TryParse(name, out number)) return number;
        return Json.ItemsOf("ports").FirstOrDefault(declared => declared.TextOf("name") == name)?.NumberOf("containerPort");
    }
}
