using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Mirrors hand-written Endpoints, of services without a selector, as EndpointSlices.</summary>
internal sealed class EndpointMirrorController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string ManagedBy = "endpointslicemirroring-controller.k8s.io";

    public override IReadOnlyList<string> Watched { get; } = ["endpoints", "services"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) => [change.Object.Key with { Resource = "endpoints" }];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var endpoints = Client.Store.Get(key);
        var service = Client.Get("services", key.Namespace, key.Name);
        var slices = EndpointSlices.Of(Client, key.Namespace, key.Name, ManagedBy);
        if (endpoints is null || service is null || service.Root.Fields("spec", "selector").Any()
            || endpoints.Root.Text("metadata", "labels", "endpointslice.kubernetes.io/skip-mirror") == "true"
            || endpoints.Root.Has("metadata", "annotations", "control-plane.alpha.kubernetes.io/leader"))
        {
            foreach (var slice in slices) await Client.DeleteAsync(slice, cancel).ConfigureAwait(false);
            return null;
        }
        await EndpointSlices.WriteAsync(Client, endpoints, slices, ManagedBy, Slices(endpoints), cancel).ConfigureAwait(false);
        return null;
    }

    private static IEnumerable<(JsonArray Ports, List<JsonObject> Endpoints)> Slices(StoredObject endpoints)
    {
        foreach (var subset in endpoints.Root.Items("subsets"))
        {
            var ports = new JsonArray();
            foreach (var port in subset.Items("ports"))
            {
                var copy = (JsonObject)JsonText.Copy(port)!;
                copy.SetDefault("name", "");
                copy.SetDefault("protocol", "TCP");
                ports.Add((JsonNode)copy);
            }
            var entries = new List<JsonObject>();
            foreach (var (name, ready) in ((string, bool)[])[("addresses", true), ("notReadyAddresses", false)])
                foreach (var address in subset.Items(name))
                {
                    var entry = new JsonObject { ["addresses"] = new JsonArray(address.Text("ip")), ["conditions"] = new JsonObject { ["ready"] = ready } };
                    foreach (var part in (string[])["hostname", "nodeName", "targetRef"])
                        if (address.Has(part)) entry[part] = JsonText.Copy(address.At(part));
                    entries.Add(entry);
                }
            yield return (ports, entries);
        }
    }
}
