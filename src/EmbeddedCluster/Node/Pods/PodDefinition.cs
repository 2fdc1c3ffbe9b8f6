using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>A pod as the API has it (Pod of core/v1). Immutable.</summary>
internal sealed class PodDefinition
{
    /// <summary>Reads the object, which must not be changed any more.</summary>
    public PodDefinition(JsonObject json)
    {
        Json = json;
        Containers =
        [
            .. Spec.ItemsOf("initContainers").Select(item => new ContainerDefinition(item, item.TextOf("restartPolicy") == "Always" ? ContainerRole.Sidecar : ContainerRole.Init)),
            .. Spec.ItemsOf("containers").Select(item => new ContainerDefinition(item, ContainerRole.Main)),
        ];
    }

    /// <summary>The object.</summary>
    public JsonObject Json { get; }

    /// <summary>metadata.</summary>
    public JsonObject Metadata => Json.ObjectOf("metadata");

    /// <summary>spec.</summary>
    public JsonObject Spec => Json.ObjectOf("spec");

    /// <summary>status.</summary>
    public JsonObject Status => Json.ObjectOf("status");

    /// <summary>metadata.uid.</summary>
    public string Uid => Metadata.TextOf("uid");

    /// <summary>metadata.namespace.</summary>
    public string Namespace => Metadata.TextOf("namespace");

    /// <summary>metadata.name.</summary>
    public string Name => Metadata.TextOf("name");

    /// <summary>All containers: init containers and sidecars in their order, then the main ones.</summary>
    public IReadOnlyList<ContainerDefinition> Containers { get; }

    /// <summary>spec.restartPolicy.</summary>
    public string RestartPolicy => Spec.TextOf("restartPolicy") is { Length: > 0 } policy ? policy : "Always";

    /// <summary>Name of the machine that the pod believes to be.</summary>
    public string HostName => Spec.TextOf("hostname") is { Length: > 0 } name ? name : Name.Length > 63 ? Name[..63].TrimEnd('-', '.') : Name;

    /// <summary>Whether the pod uses the node's network.</summary>
    public bool UsesNodeNetwork => Spec.FlagOf("hostNetwork");

    /// <summary>Whether it is to go.</summary>
    public bool IsDeleting => Metadata["deletionTimestamp"] is not null;

    /// <summary>How long its containers have to stop.</summary>
    public TimeSpan Grace => TimeSpan.FromSeconds(Metadata.NumberOf("deletionGracePeriodSeconds") ?? Spec.NumberOf("terminationGracePeriodSeconds") ?? 30);

    /// <summary>Whether it has ended for good.</summary>
    public bool HasEnded => Status.TextOf("phase") is "Succeeded" or "Failed";
}
