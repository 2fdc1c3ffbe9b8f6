using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.ApiServer.Patches;

/// <summary>JSON Merge Patch (RFC 7386). Pure.</summary>
internal static class MergePatch
{
    /// <summary>Applies a patch; the document is changed in place where it can be.</summary>
    public static JsonNode? Apply(JsonNode? document, JsonNode? patch)
    {
        if (patch is not JsonObject changes) return patch?.DeepClone();
        var result = document as JsonObject ?? [];
        foreach (var (name, change) in changes)
        {
            if (change is null) result.Remove(name);
            else if (change is not JsonObject) result[name] = change.DeepClone();
            else
            {
                var current = result[name];
                var merged = Apply(current, change);
                if (!ReferenceEquals(current, merged)) result[name] = merged;
            }
        }
        return result;
    }
}
