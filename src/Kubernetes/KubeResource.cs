namespace Lateen.Kubernetes;

/// <summary>One kind of object as the API addresses it. Immutable.</summary>
/// <param name="Group">API group; empty for the core.</param>
/// <param name="Version">Version of the group.</param>
/// <param name="Plural">Name in URLs, lower case.</param>
/// <param name="Kind">Name in objects.</param>
/// <param name="Namespaced">Whether its objects live in namespaces.</param>
public sealed record KubeResource(string Group, string Version, string Plural, string Kind, bool Namespaced)
{
    /// <summary>core/v1 Pod.</summary>
    public static readonly KubeResource Pods = new("", "v1", "pods", "Pod", true);

    /// <summary>core/v1 Service.</summary>
    public static readonly KubeResource Services = new("", "v1", "services", "Service", true);

    /// <summary>core/v1 Endpoints.</summary>
    public static readonly KubeResource Endpoints = new("", "v1", "endpoints", "Endpoints", true);

    /// <summary>discovery.k8s.io/v1 EndpointSlice.</summary>
    public static readonly KubeResource EndpointSlices = new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true);

    /// <summary>core/v1 Namespace.</summary>
    public static readonly KubeResource Namespaces = new("", "v1", "namespaces", "Namespace", false);

    /// <summary>core/v1 Node.</summary>
    public static readonly KubeResource Nodes = new("", "v1", "nodes", "Node", false);

    /// <summary>core/v1 Secret.</summary>
    public static readonly KubeResource Secrets = new("", "v1", "secrets", "Secret", true);

    /// <summary>core/v1 ConfigMap.</summary>
    public static readonly KubeResource ConfigMaps = new("", "v1", "configmaps", "ConfigMap", true);

    /// <summary>core/v1 ServiceAccount.</summary>
    public static readonly KubeResource ServiceAccounts = new("", "v1", "serviceaccounts", "ServiceAccount", true);

    /// <summary>core/v1 Event.</summary>
    public static readonly KubeResource Events = new("", "v1", "events", "Event", true);

    /// <summary>apps/v1 Deployment.</summary>
    public static readonly KubeResource Deployments = new("apps", "v1", "deployments", "Deployment", true);

    /// <summary>apps/v1 ReplicaSet.</summary>
    public static readonly KubeResource ReplicaSets = new("apps", "v1", "replicasets", "ReplicaSet", true);

    /// <summary>coordination.k8s.io/v1 Lease.</summary>
    public static readonly KubeResource Leases = new("coordination.k8s.io", "v1", "leases", "Lease", true);

    /// <summary>networking.k8s.io/v1 Ingress.</summary>
    public static readonly KubeResource Ingresses = new("networking.k8s.io", "v1", "ingresses", "Ingress", true);

    /// <summary>apiextensions.k8s.io/v1 CustomResourceDefinition.</summary>
    public static readonly KubeResource CustomResourceDefinitions =
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false);

    /// <summary>admissionregistration.k8s.io/v1 MutatingWebhookConfiguration.</summary>
    public static readonly KubeResource MutatingWebhookConfigurations =
        new("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false);

    /// <summary>admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration.</summary>
    public static readonly KubeResource ValidatingWebhookConfigurations =
        new("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false);

    /// <summary>The apiVersion field of its objects.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>
    /// URL path of a collection, an object or a sub-resource. A null namespace of a namespaced kind means all of them.
    /// </summary>
    public string PathOf(string? ns = null, string? name = null, string? subresource = null)
    {
        var path = Group.Length == 0 ? $"/api/{Version}" : $"/apis/{Group}/{Version}";
        if (Namespaced && ns is not null) path += $"/namespaces/{Uri.EscapeDataString(ns)}";
        path += $"/{Plural}";
        if (name is not null) path += $"/{Uri.EscapeDataString(name)}";
        return subresource is null ? path : $"{path}/{subresource}";
    }
}
