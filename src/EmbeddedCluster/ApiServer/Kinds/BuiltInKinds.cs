using Lateen.EmbeddedCluster.Schemas;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>The kinds that every cluster has. A kind that is not here or in a CustomResourceDefinition is not served.</summary>
internal static class BuiltInKinds
{
    private static readonly ScalePaths Replicas = new("spec.replicas", "status.replicas", null);

    public static IReadOnlyList<ServedResource> All { get; } = Build();

    private static readonly Dictionary<string, TypeSchema> StoredSchemas = All.Where(resource => resource.IsStorageVersion)
        .ToDictionary(resource => resource.Kind.StorageName, resource => resource.Schema);

    /// <summary>The type of a built-in kind's stored objects.</summary>
    public static TypeSchema StoredSchema(ResourceKind kind) => StoredSchemas[kind.StorageName];

    private static IEnumerable<ServedResource> Core()
    {
        yield return Served(Kind("", "v1", "bindings", "Binding"), "core.v1.Binding", verbs: ["create"]);
        yield return Served(Kind("", "v1", "configmaps", "ConfigMap", new DataRules(false)), "core.v1.ConfigMap", ["cm"]);
        yield return Served(Kind("", "v1", "endpoints", "Endpoints", new EndpointRules(false)), "core.v1.Endpoints", ["ep"]);
        yield return Served(EventsGroup.Kind, "core.v1.Event", ["ev"]);
        yield return Served(Kind("", "v1", "limitranges", "LimitRange"), "core.v1.LimitRange", ["limits"]);
        yield return Served(Kind("", "v1", "namespaces", "Namespace", new NamespaceRules(), namespaced: false, status: true), "core.v1.Namespace", ["ns"],
            subresources: [new("finalize", "Namespace", "", "v1", ["update"])]);
        yield return Served(Kind("", "v1", "nodes", "Node", namespaced: false, status: true), "core.v1.Node", ["no"]);
        yield return Served(Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", status: true), "core.v1.PersistentVolumeClaim", ["pvc"]);
        yield return Served(Kind("", "v1", "persistentvolumes", "PersistentVolume", namespaced: false, status: true), "core.v1.PersistentVolume", ["pv"]);
        yield return Served(Kind("", "v1", "pods", "Pod", new PodRules(), status: true, generation: true), "core.v1.Pod", ["po"], ["all"], subresources:
        [
            new("attach", "PodAttachOptions", "", "v1", ["create", "get"]), new("binding", "Binding", "", "v1", ["create"]),
            new("eviction", "Eviction", "policy", "v1", ["create"]),
            new("exec", "PodExecOptions", "", "v1", ["create", "get"]), new("log", "Pod", "", "v1", ["get"]),
            new("portforward", "PodPortForwardOptions", "", "v1", ["create", "get"]),
        ]);
        yield return Served(Kind("", "v1", "podtemplates", "PodTemplate", generation: true), "core.v1.PodTemplate");
        yield return Served(Kind("", "v1", "replicationcontrollers", "ReplicationController", new ReplicationControllerRules(), status: true, generation: true),
            "core.v1.ReplicationController", ["rc"], ["all"], scale: Replicas);
        yield return Served(Kind("", "v1", "resourcequotas", "ResourceQuota", status: true), "core.v1.ResourceQuota", ["quota"]);
        yield return Served(Kind("", "v1", "secrets", "Secret", new DataRules(true)), "core.v1.Secret");
        yield return Served(Kind("", "v1", "serviceaccounts", "ServiceAccount"), "core.v1.ServiceAccount", ["sa"],
            subresources: [new("token", "TokenRequest", "authentication.k8s.io", "v1", ["create"])]);
        yield return Served(Kind("", "v1", "services", "Service", new ServiceRules(), status: true), "core.v1.Service", ["svc"], ["all"]);
    }

    private static IEnumerable<ServedResource> Apps()
    {
        yield return Served(Kind("apps", "v1", "controllerrevisions", "ControllerRevision"), "apps.v1.ControllerRevision");
        yield return Served(Workload("daemonsets", "DaemonSet", new DaemonSetRules()), "apps.v1.DaemonSet", ["ds"], ["all"]);
        yield return Served(Workload("deployments", "Deployment", new DeploymentRules()), "apps.v1.Deployment", ["deploy"], ["all"], scale: Replicas);
        yield return Served(Workload("replicasets", "ReplicaSet", new ReplicaSetRules()), "apps.v1.ReplicaSet", ["rs"], ["all"], scale: Replicas);
        yield return Served(Workload("statefulsets", "StatefulSet", new StatefulSetRules()), "apps.v1.StatefulSet", ["sts"], ["all"], scale: Replicas);
    }

    private static IEnumerable<ServedResource> Rest()
    {
        const string Admission = "admissionregistration.k8s.io", Rbac = "rbac.authorization.k8s.io", Networking = "networking.k8s.io";
        const string Authorization = "authorization.k8s.io", Authentication = "authentication.k8s.io";
        yield return Served(Kind(Admission, "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", new WebhookRules(true), namespaced: false, generation: true),
            "admissionregistration.v1.MutatingWebhookConfiguration", categories: ["api-extensions"]);
        yield return Served(Kind(Admission, "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", new WebhookRules(false), namespaced: false, generation: true),
            "admissionregistration.v1.ValidatingWebhookConfiguration", categories: ["api-extensions"]);
        yield return Served(Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", new CustomKinds.DefinitionRules(), namespaced: false, status: true, generation: true),
            "apiextensions.v1.CustomResourceDefinition", ["crd", "crds"], ["api-extensions"]);
        yield return Served(Kind(Authentication, "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced: false), "authentication.v1.SelfSubjectReview", verbs: ["create"]);
        yield return Served(Kind(Authentication, "v1", "tokenreviews", "TokenReview", namespaced: false), "authentication.v1.TokenReview", verbs: ["create"]);
        yield return Served(Kind(Authorization, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview"), "authorization.v1.LocalSubjectAccessReview", verbs: ["create"]);
        yield return Served(Kind(Authorization, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced: false), "authorization.v1.SelfSubjectAccessReview", verbs: ["create"]);
        yield return Served(Kind(Authorization, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced: false), "authorization.v1.SelfSubjectRulesReview", verbs: ["create"]);
        yield return Served(Kind(Authorization, "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced: false), "authorization.v1.SubjectAccessReview", verbs: ["create"]);
        yield return Served(Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", status: true), "autoscaling.v2.HorizontalPodAutoscaler", ["hpa"], ["all"]);
        yield return Served(Kind("batch", "v1", "cronjobs", "CronJob", new CronJobRules(), status: true, generation: true), "batch.v1.CronJob", ["cj"], ["all"]);
        yield return Served(Kind("batch", "v1", "jobs", "Job", new JobRules(), status: true, generation: true), "batch.v1.Job", [], ["all"]);
        yield return Served(Kind("coordination.k8s.io", "v1", "leases", "Lease"), "coordination.v1.Lease");
        yield return Served(Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", new EndpointRules(true), generation: true), "discovery.v1.EndpointSlice");
        yield return Served(Kind(Networking, "v1", "ingressclasses", "IngressClass", namespaced: false, generation: true), "networking.v1.IngressClass");
        yield return Served(Kind(Networking, "v1", "ingresses", "Ingress", new IngressRules(), status: true, generation: true), "networking.v1.Ingress", ["ing"]);
        yield return Served(Kind(Networking, "v1", "networkpolicies", "NetworkPolicy", generation: true), "networking.v1.NetworkPolicy", ["netpol"]);
        yield return Served(Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", status: true, generation: true), "policy.v1.PodDisruptionBudget", ["pdb"]);
        var access = new AccessRules();
        yield return Served(Kind(Rbac, "v1", "clusterrolebindings", "ClusterRoleBinding", access, namespaced: false), "rbac.v1.ClusterRoleBinding");
        yield return Served(Kind(Rbac, "v1", "clusterroles", "ClusterRole", access, namespaced: false), "rbac.v1.ClusterRole");
        yield return Served(Kind(Rbac, "v1", "rolebindings", "RoleBinding", access), "rbac.v1.RoleBinding");
        yield return Served(Kind(Rbac, "v1", "roles", "Role", access), "rbac.v1.Role");
        yield return Served(Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced: false, generation: true), "scheduling.v1.PriorityClass", ["pc"]);
    }

    private static ServedResource[] Build()
    {
        ServedResource[] today = [.. Core(), .. Apps(), .. Rest(), EventsGroup.Served];
        return [.. today, .. OldVersions.Of(today)];
    }

    private static ResourceKind Kind(string group, string version, string plural, string kind, KindRules? rules = null, bool namespaced = true, bool status = false, bool generation = false) => new()
    {
        Group = group, StorageVersion = version, Plural = plural, Kind = kind, Namespaced = namespaced, HasStatus = status, TracksGeneration = generation,
        Rules = rules ?? KindRules.None,
    };

    private static ResourceKind Workload(string plural, string kind, KindRules rules) => Kind("apps", "v1", plural, kind, rules, status: true, generation: true);

    private static ServedResource Served(ResourceKind kind, string type, string[]? shortNames = null, string[]? categories = null, ScalePaths? scale = null,
        string[]? verbs = null, SubresourceEntry[]? subresources = null) => new()
    {
        Kind = kind, Group = kind.Group, Version = kind.StorageVersion, Schema = TypeCatalog.Instance[type], Singular = kind.Kind.ToLowerInvariant(),
        ListKind = kind.Kind + "List", ShortNames = shortNames ?? [], Categories = categories ?? [], Scale = scale, Verbs = verbs ?? ServedResource.AllVerbs,
        Subresources = subresources ?? [],
    };
}
