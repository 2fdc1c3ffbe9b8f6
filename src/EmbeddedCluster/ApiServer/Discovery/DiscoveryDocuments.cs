using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Discovery;

/// <summary>The documents by which clients learn what is served, from one catalogue. Immutable.</summary>
internal sealed class DiscoveryDocuments(ResourceCatalog catalog)
{
    private static readonly string[] ReadWrite = ["get", "patch", "update"];

    /// <summary>/api: the versions of the core group.</summary>
    public static JsonObject CoreVersions(string serverAddress) => new()
    {
        ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = serverAddress }),
    };

    /// <summary>/apis: the named groups.</summary>
    public JsonObject Groups() => new()
    {
        ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = catalog.Groups.Where(group => group.Name.Length > 0).Select(Describe).ToJsonArray(),
    };

    /// <summary>/apis/GROUP, null when there is none.</summary>
    public JsonObject? Group(string name)
    {
        if (catalog.Groups.FirstOrDefault(group => group.Name == name) is not { } found) return null;
        var document = new JsonObject { ["kind"] = "APIGroup", ["apiVersion"] = "v1" };
        foreach (var (key, value) in Describe(found)) document[key] = value?.DeepClone();
        return document;
    }

    /// <summary>/api/v1 and /apis/GROUP/VERSION, null when there is none.</summary>
    public JsonObject? Resources(string group, string version)
    {
        var served = catalog.In(group, version).OrderBy(resource => resource.Plural, StringComparer.Ordinal).ToArray();
        if (served.Length == 0) return null;
        return new JsonObject
        {
            ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = served[0].ApiVersion,
            ["resources"] = served.SelectMany(Entries).ToJsonArray(),
        };
    }

    /// <summary>Aggregated discovery (apidiscovery.k8s.io): everything below /api or /apis in one document.</summary>
    public JsonObject Aggregated(bool core, string version) => new()
    {
        ["kind"] = "APIGroupDiscoveryList", ["apiVersion"] = "apidiscovery.k8s.io/" + version, ["metadata"] = new JsonObject(),
        ["items"] = catalog.Groups.Where(group => group.Name.Length == 0 == core).Select(AggregatedGroup).ToJsonArray(),
    };

    private static JsonObject Describe(ServedGroup group)
    {
        JsonObject Version(string version) => new() { ["groupVersion"] = group.ApiVersion(version), ["version"] = version };
        return new JsonObject
        {
            ["name"] = group.Name, ["versions"] = group.Versions.Select(Version).ToJsonArray(), ["preferredVersion"] = Version(group.Versions[0]),
        };
    }

    private static IEnumerable<JsonObject> Entries(ServedResource resource)
    {
        var entry = Entry(resource, resource.Plural, resource.Singular, resource.Kind.Kind, resource.Verbs);
        if (resource.ShortNames.Length > 0) entry["shortNames"] = resource.ShortNames.ToJsonArray();
        if (resource.Categories.Length > 0) entry["categories"] = resource.Categories.ToJsonArray();
        if (resource.Verbs.Contains("watch"))
            entry["storageVersionHash"] = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{resource.Kind.StorageApiVersion}/{resource.Kind.Kind}")).AsSpan(0, 8));
        yield return entry;
        foreach (var (name, kind, group, version, verbs) in Subresources(resource))
        {
            var part = Entry(resource, $"{resource.Plural}/{name}", "", kind, verbs);
            if (group != resource.Group || version != resource.Version)
            {
                part["group"] = group;
                part["version"] = version;
            }
            yield return part;
        }
    }

    private static JsonObject Entry(ServedResource resource, string name, string singular, string kind, string[] verbs) => new()
    {
        ["name"] = name, ["singularName"] = singular, ["namespaced"] = resource.Kind.Namespaced, ["kind"] = kind, ["verbs"] = verbs.ToJsonArray(),
    };

    private static IEnumerable<SubresourceEntry> Subresources(ServedResource resource)
    {
        var all = resource.Subresources.AsEnumerable();
        if (resource.Kind.HasStatus) all = all.Append(new("status", resource.Kind.Kind, resource.Group, resource.Version, ReadWrite));
        if (resource.Scale is not null) all = all.Append(new("scale", "Scale", "autoscaling", "v1", ReadWrite));
        return all.OrderBy(part => part.Name, StringComparer.Ordinal);
    }

    private JsonObject AggregatedGroup(ServedGroup group) => new()
    {
        ["metadata"] = group.Name.Length == 0 ? new JsonObject() : new JsonObject { ["name"] = group.Name },
        ["versions"] = group.Versions.Select(version => new JsonObject
        {
            ["version"] = version,
            ["resources"] = catalog.In(group.Name, version).OrderBy(resource => resource.Plural, StringComparer.Ordinal).Select(AggregatedResource).ToJsonArray(),
            ["freshness"] = "Current",
        }).ToJsonArray(),
    };

    private static JsonObject AggregatedResource(ServedResource resource)
    {
        JsonObject KindOf(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };
        var entry = new JsonObject
        {
            ["resource"] = resource.Plural, ["responseKind"] = KindOf(resource.Group, resource.Version, resource.Kind.Kind),
            ["scope"] = resource.Kind.Namespaced ? "Namespaced" : "Cluster", ["singularResource"] = resource.Singular, ["verbs"] = resource.Verbs.ToJsonArray(),
        };
        if (resource.ShortNames.Length > 0) entry["shortNames"] = resource.ShortNames.ToJsonArray();
        if (resource.Categories.Length > 0) entry["categories"] = resource.Categories.ToJsonArray();
        var parts = Subresources(resource).Select(part => new JsonObject
        {
            ["subresource"] = part.Name, ["responseKind"] = KindOf(part.Group, part.Version, part.Kind), ["verbs"] = part.Verbs.ToJsonArray(),
        }).ToJsonArray();
        if (parts.Count > 0) entry["subresources"] = parts;
        return entry;
    }
}
