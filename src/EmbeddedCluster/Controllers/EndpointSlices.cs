using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Keeps the slices of one service equal to what they should say, with as few writes as possible.</summary>
internal static class EndpointSlices
{
    public const string Resource = "endpointslices.discovery.k8s.io";
    public const string ServiceLabel = "kubernetes.io/service-name";

    private const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";
    private const int MaxEndpoints = 100;

    /// <summary>The slices of a service that one writer manages.</summary>
    public static List<StoredObject> Of(ClusterClient client, string space, string service, string managedBy) => [.. client.List(Resource, space)
        .Where(slice => slice.Root.Text("metadata", "labels", ServiceLabel) == service && slice.Root.Text("metadata", "labels", ManagedByLabel) == managedBy)];

    public static async Task WriteAsync(ClusterClient client, StoredObject owner, List<StoredObject> existing, string managedBy,
        IEnumerable<(JsonArray Ports, List<JsonObject> Endpoints)> wanted, CancellationToken cancel)
    {
        var chunks = wanted.SelectMany(group => group.Endpoints.Count == 0 ? [(group.Ports, group.Endpoints)]
            : group.Endpoints.Chunk(MaxEndpoints).Select(chunk => (group.Ports, Endpoints: chunk.ToList()))).ToList();
        var free = new List<StoredObject>(existing.OrderBy(slice => slice.Key.Name, StringComparer.Ordinal));
        foreach (var (ports, endpoints) in chunks)
        {
            // A slice of the same ports is reused, so that only its endpoints change.
            var match = free.FirstOrDefault(slice => SamePorts(slice, ports)) ?? free.FirstOrDefault();
            if (match is not null) free.Remove(match);
            void Fill(JsonObject value)
            {
                var labels = new JsonObject();
                foreach (var label in owner.Root.Fields("metadata", "labels"))
                    if (!label.Name.StartsWith("endpoint", StringComparison.Ordinal)) labels[label.Name] = label.Value.GetString();
                labels[ManagedByLabel] = managedBy;
                labels[ServiceLabel] = owner.Key.Name;
                if (owner.Root.Text("spec", "clusterIP") == "None") labels["service.kubernetes.io/headless"] = "";
                value.Ensure("metadata")["labels"] = labels;
                value["addressType"] = "IPv4";
                value["endpoints"] = endpoints.Select(endpoint => (JsonObject)endpoint.DeepClone()).ToJsonArray();
                value.SetOrRemove("ports", ports.Count == 0 ? null : ports.DeepClone());
            }
            if (match is not null)
            {
                await client.UpdateAsync(match.Key, "", Fill, cancel).ConfigureAwait(false);
                continue;
            }
            var slice = new JsonObject
            {
                ["metadata"] = new JsonObject { ["generateName"] = owner.Key.Name + "-", ["namespace"] = owner.Key.Namespace, ["ownerReferences"] = new JsonArray(Ownership.Reference(owner)) },
            };
            Fill(slice);
            await client.CreateAsync(Resource, slice, cancel).ConfigureAwait(false);
        }
        foreach (var slice in free) await client.DeleteAsync(slice, cancel).ConfigureAwait(false);
    }

    private static bool SamePorts(StoredObject slice, JsonArray ports)
    {
        var have = slice.Root.At("ports");
        return have.ValueKind == System.Text.Json.JsonValueKind.Array ? JsonNode.DeepEquals(JsonText.Copy(have), ports) : ports.Count == 0;
    }
}
