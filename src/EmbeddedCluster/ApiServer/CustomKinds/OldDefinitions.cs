using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.CustomKinds;

/// <summary>Converts CustomResourceDefinitions between apiextensions.k8s.io/v1beta1, which Istio 1.1 ships, and v1. In place.</summary>
internal static class OldDefinitions
{
    private static readonly string[] Shared = ["additionalPrinterColumns", "subresources"];

    public static void ToStorage(JsonObject value)
    {
        var spec = value.Ensure("spec");
        var versions = spec.EnsureList("versions");
        var name = spec.Text("version");
        if (versions.Count == 0 && name is not null) versions.Add((JsonNode)new JsonObject { ["name"] = name, ["served"] = true, ["storage"] = true });
        spec.SetDefault("preserveUnknownFields", true);
        foreach (var version in versions.OfType<JsonObject>())
        {
            foreach (var part in Shared)
                if (spec[part] is { } common) version.SetDefault(part, common.DeepClone());
            if (spec.Child("validation") is { } validation) version.SetDefault("schema", validation.DeepClone());
            foreach (var column in version.Items("additionalPrinterColumns")) Rename(column, "JSONPath", "jsonPath");
        }
        foreach (var part in (string[])[.. Shared, "validation", "version"]) spec.Remove(part);
        if (spec.Child("conversion") is { } conversion && conversion["webhookClientConfig"] is not null)
        {
            var config = conversion["webhookClientConfig"]!.DeepClone();
            conversion["webhook"] = new JsonObject { ["clientConfig"] = config, ["conversionReviewVersions"] = conversion["conversionReviewVersions"]?.DeepClone() };
            conversion.Remove("webhookClientConfig");
            conversion.Remove("conversionReviewVersions");
        }
    }

    public static void FromStorage(JsonObject value)
    {
        var spec = value.Ensure("spec");
        var versions = spec.Items("versions").ToArray();
        spec.SetOrRemove("version", versions.FirstOrDefault()?["name"]?.DeepClone());
        foreach (var version in versions)
            foreach (var column in version.Items("additionalPrinterColumns")) Rename(column, "jsonPath", "JSONPath");
        // What all versions share stands once, as v1beta1 has it.
        foreach (var (one, all) in ((string, string)[])[("additionalPrinterColumns", "additionalPrinterColumns"), ("subresources", "subresources"), ("schema", "validation")])
        {
            if (versions.Length == 0 || versions[0][one] is not { } common || !versions.All(version => JsonNode.DeepEquals(version[one], common))) continue;
            spec[all] = common.DeepClone();
            foreach (var version in versions) version.Remove(one);
        }
    }

    private static void Rename(JsonObject value, string from, string to)
    {
        if (value[from] is not { } part) return;
        value.Remove(from);
        value[to] = part;
    }
}
