using Lateen.Kubernetes.Models;

namespace Lateen.Injector.Injection;

/// <summary>Whether a pod gets a sidecar. Source: inventory INJ; the label beats the annotation, unknown values mean the default.</summary>
public static class InjectionDecision
{
    /// <summary>The label and annotation by which a pod asks for a sidecar or refuses one.</summary>
    public const string InjectKey = "sidecar.istio.io/inject";

    /// <summary>Marks a pod that has been injected.</summary>
    public const string StatusAnnotation = "sidecar.istio.io/status";

    /// <summary>True when the pod is to be injected; a pod on the host's network, or one that has a sidecar, never is.</summary>
    public static bool IsWanted(Pod pod, string ns, InjectionConfig config)
    {
        if (pod.HostNetwork || config.IgnoredNamespaces.Contains(ns)) return false;
        if (pod.Annotations.ContainsKey(StatusAnnotation) || pod.Containers.Any(container => container.Name == "istio-proxy")) return false;
        return Parse(pod.Labels.GetValueOrDefault(InjectKey)) ?? Parse(pod.Annotations.GetValueOrDefault(InjectKey)) ?? config.EnabledByDefault;
    }

    /// <summary>Istio's YAML booleans, lower case only.</summary>
    private static bool? Parse(string? value) => value switch
    {
        "y" or "yes" or "true" or "on" => true,
        "n" or "no" or "false" or "off" => false,
        _ => null,
    };
}
