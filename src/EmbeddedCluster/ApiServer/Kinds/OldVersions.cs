using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.CustomKinds;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>
/// Versions that Kubernetes has long removed but that the YAML of Istio 1.1's age is written in. They are served, with a warning, and
/// stored as today's version.
/// </summary>
internal static class OldVersions
{
    private const string Ingresses = "ingresses";

    /// <summary>The old versions of the given kinds.</summary>
    public static IEnumerable<ServedResource> Of(IReadOnlyList<ServedResource> today)
    {
        ServedResource Today(string group, string plural) => today.First(resource => resource.Group == group && resource.Plural == plural);
        foreach (var (group, version, plurals) in ((string, string, string[])[])
        [
            ("extensions", "v1beta1", ["deployments", "daemonsets", "replicasets"]), ("apps", "v1beta1", ["deployments", "statefulsets"]),
            ("apps", "v1beta2", ["deployments", "daemonsets", "replicasets", "statefulsets"]),
        ])
        {
            foreach (var plural in plurals)
            {
                var current = Today("apps", plural);
                // Until v1beta2 the selector was taken from the template.
                yield return Old(current, group, version, $"extensions.v1beta1.{current.Kind.Kind}", value => WorkloadToStorage(value, version != "v1beta2"), null, "v1.9", "v1.16");
            }
        }
        foreach (var group in (string[])["extensions", "networking.k8s.io"])
            yield return Old(Today("networking.k8s.io", Ingresses), group, "v1beta1", "extensions.v1beta1.Ingress", IngressToStorage, IngressFromStorage, "v1.14", "v1.22");
        foreach (var plural in (string[])["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
        {
            var current = Today("admissionregistration.k8s.io", plural);
            yield return Old(current, current.Group, "v1beta1", current.Schema.Name!, WebhooksToStorage, null, "v1.16", "v1.22");
        }
        yield return Old(Today("apiextensions.k8s.io", "customresourcedefinitions"), "apiextensions.k8s.io", "v1beta1", "apiextensions.v1beta1.CustomResourceDefinition",
            OldDefinitions.ToStorage, OldDefinitions.FromStorage, "v1.16", "v1.22");
    }

    private static ServedResource Old(ServedResource today, string group, string version, string type, Action<JsonObject> toStorage, Action<JsonObject>? fromStorage, string since, string until)
    {
        var apiVersion = $"{group}/{version}";
        return today with
        {
            Group = group, Version = version, Schema = TypeCatalog.Instance[type], ToStorage = toStorage, FromStorage = fromStorage, Categories = [],
            // A short name that two groups have makes clients complain.
            ShortNames = group == today.Group ? today.ShortNames : [],
            Deprecation = $"{apiVersion} {today.Kind.Kind} is deprecated in {since}+, unavailable in {until}+; use {today.ApiVersion} {today.Kind.Kind}",
        };
    }

    private static void WorkloadToStorage(JsonObject value, bool selectorFromTemplate)
    {
        if (value.Child("spec") is not { } spec) return;
        spec.Remove("rollbackTo");
        spec.Remove("templateGeneration");
        if (!selectorFromTemplate || spec["selector"] is not null) return;
        if (spec.Child("template", "metadata", "labels") is { Count: > 0 } labels) spec["selector"] = new JsonObject { ["matchLabels"] = labels.DeepClone() };
    }

    private static void IngressToStorage(JsonObject value)
    {
        if (value.Child("spec") is not { } spec) return;
        if (spec.Child("backend") is { } common)
        {
            spec.Remove("backend");
            spec["defaultBackend"] = Backend(common);
        }
        foreach (var path in spec.Items("rules").SelectMany(rule => rule.Items("http", "paths")))
        {
            path.SetDefault("pathType", "ImplementationSpecific");
            if (path.Child("backend") is { } backend) path["backend"] = Backend(backend);
        }
    }

    private static void IngressFromStorage(JsonObject value)
    {
        if (value.Child("spec") is not { } spec) return;
        if (spec.Child("defaultBackend") is { } common)
        {
            spec.Remove("defaultBackend");
            spec["backend"] = OldBackend(common);
        }
        foreach (var path in spec.Items("rules").SelectMany(rule => rule.Items("http", "paths")))
            if (path.Child("backend") is { } backend) path["backend"] = OldBackend(backend);
    }

    private static JsonObject Backend(JsonObject old)
    {
        if (old["resource"] is { } resource) return new JsonObject { ["resource"] = resource.DeepClone() };
        var port = old["servicePort"]?.DeepClone();
        return new JsonObject
        {
            ["service"] = new JsonObject { ["name"] = old.Text("serviceName"), ["port"] = new JsonObject { [port.Text() is null ? "number" : "name"] = port } },
        };
    }

    private static JsonObject OldBackend(JsonObject backend)
    {
        if (backend["resource"] is { } resource) return new JsonObject { ["resource"] = resource.DeepClone() };
        return new JsonObject
        {
            ["serviceName"] = backend.Text("service", "name"), ["servicePort"] = (backend.At("service", "port", "number") ?? backend.At("service", "port", "name"))?.DeepClone(),
        };
    }

    /// <summary>v1beta1 had other defaults: it ignored failures and waited longer.</summary>
    private static void WebhooksToStorage(JsonObject value)
    {
        foreach (var hook in value.Items("webhooks"))
        {
            hook.SetDefault("failurePolicy", "Ignore");
            hook.SetDefault("matchPolicy", "Exact");
            hook.SetDefault("timeoutSeconds", 30L);
            hook.SetDefault("sideEffects", "Unknown");
            hook.SetDefault("admissionReviewVersions", new JsonArray("v1beta1"));
        }
    }
}
