using System.Text.Json.Nodes;

namespace Lateen.Kubernetes.Models;

/// <summary>core/v1 Pod.</summary>
public sealed class Pod(JsonObject json) : KubeObject(json)
{
    /// <summary>status.podIP; empty until it has one.</summary>
    public string Ip => Text(Status, "podIP");

    /// <summary>All of status.podIPs.</summary>
    public IReadOnlyList<string> Ips => Status["podIPs"] is JsonArray ? [.. Items(Status["podIPs"]).Select(ip => Text(ip, "ip"))] : Ip.Length > 0 ? [Ip] : [];

    /// <summary>spec.nodeName.</summary>
    public string NodeName => Text(Spec, "nodeName");

    /// <summary>spec.serviceAccountName; "default" when absent.</summary>
    public string ServiceAccountName => Text(Spec, "serviceAccountName") is { Length: > 0 } name ? name : "default";

    /// <summary>status.phase.</summary>
    public string Phase => Text(Status, "phase");

    /// <summary>The condition Ready is True.</summary>
    public bool IsReady => Items(Status["conditions"]).Any(condition => Text(condition, "type") == "Ready" && Text(condition, "status") == "True");

    /// <summary>spec.hostNetwork.</summary>
    public bool HostNetwork => (bool?)Spec["hostNetwork"] ?? false;

    /// <summary>spec.hostname.</summary>
    public string Hostname => Text(Spec, "hostname");

    /// <summary>spec.subdomain.</summary>
    public string Subdomain => Text(Spec, "subdomain");

    /// <summary>spec.containers.</summary>
    public IEnumerable<Container> Containers => Items(Spec["containers"]).Select(container => new Container(container));

    /// <summary>spec.initContainers.</summary>
    public IEnumerable<Container> InitContainers => Items(Spec["initContainers"]).Select(container => new Container(container));
}

/// <summary>One container of a pod.</summary>
public sealed class Container(JsonObject json)
{
    /// <summary>The container itself.</summary>
    public JsonObject Json { get; } = json;

    /// <summary>Its name.</summary>
    public string Name => KubeObject.Text(Json, "name");

    /// <summary>Its image.</summary>
    public string Image => KubeObject.Text(Json, "image");

    /// <summary>Replaces the image's entry point when not empty.</summary>
    public IReadOnlyList<string> Command => KubeObject.Texts(Json["command"]);

    /// <summary>Arguments.</summary>
    public IReadOnlyList<string> Args => KubeObject.Texts(Json["args"]);

    /// <summary>Declared ports.</summary>
    public IEnumerable<ContainerPort> Ports => KubeObject.Items(Json["ports"]).Select(port =>
        new ContainerPort(KubeObject.Text(port, "name"), KubeObject.Number(port, "containerPort") ?? 0, KubeObject.Text(port, "protocol") is { Length: > 0 } p ? p : "TCP"));
}

/// <summary>A declared port of a container.</summary>
public sealed record ContainerPort(string Name, int Port, string Protocol);
