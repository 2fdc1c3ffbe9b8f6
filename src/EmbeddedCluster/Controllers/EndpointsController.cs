using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Writes the Endpoints and EndpointSlices of services with a selector.</summary>
internal sealed class EndpointsController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string ManagedBy = "endpointslice-controller.k8s.io";

    public override IReadOnlyList<string> Watched { get; } = ["services", "pods", "endpoints", EndpointSlices.Resource];

    public override IEnumerable<ObjectKey> Affected(StoredChange change)
    {
        var key = change.Object.Key;
        switch (key.Resource)
        {
            case "services": return [key];
            case "endpoints": return change.Type == ChangeType.Deleted ? [key with { Resource = "services" }] : [];
            case EndpointSlices.Resource:
                return change.Type == ChangeType.Deleted && change.Object.Root.Text("metadata", "labels", EndpointSlices.ServiceLabel) is { } name
                    ? [new ObjectKey("services", key.Namespace, name)] : [];
            default:
                return Client.List("services", key.Namespace).Where(service =>
                {
                    var selector = LabelSelector.FromMap(service.Root.At("spec", "selector"));
                    return selector.Matches(change.Object.Root) || (change.Previous is { } before && selector.Matches(before.Root));
                }).Select(service => service.Key);
        }
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var service = Client.Store.Get(key);
        var slices = EndpointSlices.Of(Client, key.Namespace, key.Name, ManagedBy);
        if (service is null || PodState.IsDeleting(service.Root))
        {
            foreach (var slice in slices) await Client.DeleteAsync(slice, cancel).ConfigureAwait(false);
            if (service is null && Client.Get("endpoints", key.Namespace, key.Name) is { } left && left.Root.Text("metadata", "labels", "endpoints.kubernetes.io/managed-by") == "endpoint-controller")
                await Client.DeleteAsync(left, cancel).ConfigureAwait(false);
            return null;
        }
        if (!service.Root.Fields("spec", "selector").Any() || service.Root.Text("spec", "type") == "ExternalName") return null;
        var backends = Backends(service.Root, key);
        await WriteEndpointsAsync(service, backends, cancel).ConfigureAwait(false);
        await EndpointSlices.WriteAsync(Client, service, slices, ManagedBy, SlicesOf(service, backends), cancel).ConfigureAwait(false);
        return null;
    }

    /// <summary>A pod that a service selects, with the service's ports as numbers.</summary>
    private sealed record Backend(StoredObject Pod, JsonArray Ports, bool Ready, bool Terminating)
    {
        public JsonElement Root => Pod.Root;
    }

    private List<Backend> Backends(JsonElement service, ObjectKey key)
    {
        var selector = LabelSelector.FromMap(service.At("spec", "selector"));
        var publishAll = service.Flag("spec", "publishNotReadyAddresses");
        var found = new List<Backend>();
        foreach (var pod in Client.List("pods", key.Namespace))
        {
            var root = pod.Root;
            if (!selector.Matches(root) || string.IsNullOrEmpty(root.Text("status", "podIP")) || PodState.IsTerminal(root)) continue;
            var ports = new JsonArray();
            var headlessWithoutPorts = !service.Items("spec", "ports").Any();
            foreach (var port in service.Items("spec", "ports"))
            {
                if (TargetPort(port, root) is not { } number) continue;
                var entry = new JsonObject { ["name"] = port.Text("name") ?? "", ["port"] = number, ["protocol"] = port.Text("protocol") ?? "TCP" };
                if (port.Text("appProtocol") is { } protocol) entry["appProtocol"] = protocol;
                ports.Add((JsonNode)entry);
            }
            if (ports.Count == 0 && !headlessWithoutPorts) continue;
            found.Add(new Backend(pod, ports, publishAll || (PodState.IsReady(root) && !PodState.IsDeleting(root)), PodState.IsDeleting(root)));
        }
        return found;
    }

    /// <summary>A number, or the container port of that name and protocol.</summary>
    private static long? TargetPort(JsonElement port, JsonElement pod)
    {
        if (port.Whole("targetPort") is { } number) return number;
        if (port.Text("targetPort") is not { } name) return port.Whole("port");
        var protocol = port.Text("protocol") ?? "TCP";
        return pod.Items("spec", "containers").Concat(pod.Items("spec", "initContainers").Where(container => container.Text("restartPolicy") == "Always"))
            .SelectMany(container => container.Items("ports"))
            .Where(candidate => candidate.Text("name") == name && (candidate.Text("protocol") ?? "TCP") == protocol).Select(candidate => candidate.Whole("containerPort")).FirstOrDefault();
    }

    private async Task WriteEndpointsAsync(StoredObject service, List<Backend> backends, CancellationToken cancel)
    {
        var root = service.Root;
        var publishAll = root.Flag("spec", "publishNotReadyAddresses");
        var subsets = new JsonArray();
        foreach (var group in backends.Where(backend => publishAll || !backend.Terminating).GroupBy(backend => backend.Ports.ToJsonString()).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var subset = new JsonObject();
            foreach (var (name, ready) in ((string, bool)[])[("addresses", true), ("notReadyAddresses", false)])
            {
                var addresses = group.Where(backend => backend.Ready == ready).Select(backend => Address(backend, service.Key.Name)).OrderBy(address => address.Text("ip"), StringComparer.Ordinal).ToJsonArray();
                if (addresses.Count > 0) subset[name] = addresses;
            }
            var ports = (JsonArray)group.First().Ports.DeepClone();
            foreach (var port in ports.OfType<JsonObject>().Where(port => port.Text("name") is "")) port.Remove("name");
            if (ports.Count > 0) subset["ports"] = ports;
            subsets.Add((JsonNode)subset);
        }
        var labels = (JsonText.Copy(root.At("metadata")) as JsonObject)?.Child("labels")?.DeepClone() as JsonObject ?? [];
        labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller";
        if (root.Text("spec", "clusterIP") == "None") labels["service.kubernetes.io/headless"] = "";
        void Fill(JsonObject value)
        {
            value.Ensure("metadata")["labels"] = labels.DeepClone();
            value.SetOrRemove("subsets", subsets.Count == 0 ? null : subsets.DeepClone());
        }
        if (Client.Get("endpoints", service.Key.Namespace, service.Key.Name) is { } existing)
        {
            await Client.UpdateAsync(existing.Key, "", Fill, cancel).ConfigureAwait(false);
            return;
        }
        var value = new JsonObject { ["metadata"] = new JsonObject { ["name"] = service.Key.Name, ["namespace"] = service.Key.Namespace } };
        Fill(value);
        await Client.CreateAsync("endpoints", value, cancel).ConfigureAwait(false);
    }

    private static JsonObject Address(Backend backend, string service)
    {
        var address = new JsonObject { ["ip"] = backend.Root.Text("status", "podIP") };
        if (backend.Root.Text("spec", "hostname") is { Length: > 0 } host && backend.Root.Text("spec", "subdomain") == service) address["hostname"] = host;
        if (backend.Root.Text("spec", "nodeName") is { } node) address["nodeName"] = node;
        address["targetRef"] = Target(backend);
        return address;
    }

    private static JsonObject Target(Backend backend) => new()
    {
        ["kind"] = "Pod", ["name"] = backend.Pod.Key.Name, ["namespace"] = backend.Pod.Key.Namespace, ["uid"] = backend.Root.Text("metadata", "uid"),
    };

    private static IEnumerable<(JsonArray Ports, List<JsonObject> Endpoints)> SlicesOf(StoredObject service, List<Backend> backends)
    {
        if (backends.Count == 0) yield return ([], []);
        foreach (var group in backends.GroupBy(backend => backend.Ports.ToJsonString()))
        {
            var endpoints = group.Select(backend =>
            {
                var serving = PodState.IsReady(backend.Root);
                var endpoint = new JsonObject
                {
                    ["addresses"] = new JsonArray(backend.Root.Text("status", "podIP")),
                    ["conditions"] = new JsonObject { ["ready"] = backend.Ready, ["serving"] = serving, ["terminating"] = backend.Terminating },
                };
                if (backend.Root.Text("spec", "hostname") is { Length: > 0 } host && backend.Root.Text("spec", "subdomain") == service.Key.Name) endpoint["hostname"] = host;
                if (backend.Root.Text("spec", "nodeName") is { } node) endpoint["nodeName"] = node;
                endpoint["targetRef"] = Target(backend);
                return endpoint;
            }).OrderBy(endpoint => endpoint.Texts("addresses").First(), StringComparer.Ordinal).ToList();
            yield return ((JsonArray)group.First().Ports.DeepClone(), endpoints);
        }
    }
}
