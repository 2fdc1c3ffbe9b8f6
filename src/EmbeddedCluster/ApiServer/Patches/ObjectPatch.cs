using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Patches;

/// <summary>A patch of one of the media types that change an existing object. Immutable.</summary>
internal sealed class ObjectPatch
{
    private const string Supported = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml";

    private readonly Func<JsonObject, JsonNode?> _apply;

    private ObjectPatch(Func<JsonObject, JsonNode?> apply) => _apply = apply;

    /// <exception cref="ApiException">The media type is not supported for the kind (415), or the body is malformed (400).</exception>
    public static ObjectPatch Read(string mediaType, byte[] bytes, bool custom, TypeSchema type)
    {
        switch (mediaType)
        {
            case "application/json-patch+json":
                var operations = RequestBody.ParseValue(bytes);
                return new ObjectPatch(document => JsonPatch.Apply(document, operations));
            case "application/merge-patch+json":
                var changes = ParseObject(bytes);
                return new ObjectPatch(document => MergePatch.Apply(document, changes));
            case "application/strategic-merge-patch+json" when !custom:
                var strategic = ParseObject(bytes);
                return new ObjectPatch(document => StrategicMergePatch.Apply(document, strategic, type));
            default: throw ApiException.UnsupportedMediaType(custom ? Supported.Replace(" application/strategic-merge-patch+json,", "", StringComparison.Ordinal) : Supported);
        }
    }

    /// <summary>Applies the patch to a copy of the object.</summary>
    public ReceivedObject Apply(JsonObject? current)
    {
        var revision = current.Text("metadata", "resourceVersion");
        var result = _apply(current!) as JsonObject ?? throw ApiException.BadRequest("the patch does not leave an object");
        // A patch that does not name a revision applies to whatever state is met.
        if (result.Text("metadata", "resourceVersion") == revision) result.Child("metadata")?.Remove("resourceVersion");
        return new ReceivedObject(result);
    }

    private static JsonObject ParseObject(byte[] bytes) =>
        RequestBody.ParseValue(bytes) as JsonObject ?? throw ApiException.BadRequest("error decoding patch: it must be an object");
}
