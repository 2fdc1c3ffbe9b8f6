using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Discovery;

/// <summary>The OpenAPI documents of one catalogue, made when asked for. Any thread.</summary>
internal sealed class OpenApiDocuments
{
    private static readonly string Program = typeof(OpenApiDocuments).Module.ModuleVersionId.ToString();

    private readonly ResourceCatalog _catalog;
    private readonly Lazy<JsonObject> _second;
    private readonly Lazy<byte[]> _secondJson;
    private readonly Lazy<byte[]> _secondProtobuf;
    private readonly Dictionary<string, Lazy<byte[]>> _third;

    public OpenApiDocuments(ResourceCatalog catalog)
    {
        _catalog = catalog;
        _second = new Lazy<JsonObject>(BuildSecond);
        _secondJson = new Lazy<byte[]>(() => JsonText.ToBytes(_second.Value));
        _secondProtobuf = new Lazy<byte[]>(() => OpenApiProtobuf.Encode(_second.Value));
        _third = catalog.Groups.SelectMany(group => group.Versions.Select(version => (Path: PathOf(group.Name, version), Group: group.Name, version)))
            .ToDictionary(entry => entry.Path, entry => new Lazy<byte[]>(() => JsonText.ToBytes(BuildThird(entry.Group, entry.version))));
    }

    /// <summary>Version 2: everything in one document.</summary>
    public byte[] SecondJson => _secondJson.Value;

    /// <summary>Version 2 in the protobuf form of gnostic, which kubectl asks for.</summary>
    public byte[] SecondProtobuf => _secondProtobuf.Value;

    /// <summary>Version 3: the document of one group's version by its path ("apis/apps/v1"), null when there is none.</summary>
    public byte[]? Third(string path) => _third.GetValueOrDefault(path)?.Value;

    /// <summary>Hash of a version-3 document: it changes with the document.</summary>
    public string HashOf(string path)
    {
        var text = new StringBuilder(Program).Append(path);
        foreach (var resource in _catalog.All.Where(resource => PathOf(resource.Group, resource.Version) == path)) text.Append('|').Append(resource.Plural).Append(resource.SchemaRevision);
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>The list of version-3 documents.</summary>
    public JsonObject Index() => new()
    {
        ["paths"] = new JsonObject(_third.Keys.Order(StringComparer.Ordinal)
            .Select(path => KeyValuePair.Create<string, JsonNode?>(path, new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}?hash={HashOf(path)}" }))),
    };

    private static string PathOf(string group, string version) => group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";

    private JsonObject BuildSecond()
    {
        var types = new OpenApiTypes("#/definitions/", wrapReferences: false);
        var paths = new OpenApiPaths(types, second: true);
        foreach (var resource in _catalog.All) paths.Add(resource);
        return new JsonObject
        {
            ["swagger"] = "2.0", ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = Requests.DocumentEndpoint.Version },
            ["paths"] = paths.All, ["definitions"] = types.Named,
        };
    }

    private JsonObject BuildThird(string group, string version)
    {
        var types = new OpenApiTypes("#/components/schemas/", wrapReferences: true);
        var paths = new OpenApiPaths(types, second: false);
        foreach (var resource in _catalog.In(group, version)) paths.Add(resource);
        return new JsonObject
        {
            ["openapi"] = "3.0.0", ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = Requests.DocumentEndpoint.Version },
            ["paths"] = paths.All, ["components"] = new JsonObject { ["schemas"] = types.Named },
        };
    }
}
