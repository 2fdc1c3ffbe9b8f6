using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>Columns of the core group's kinds. A null column is the age.</summary>
internal static class CorePrinters
{
    public const string None = "<none>";

    public static IEnumerable<(string Kind, TableColumn?[] Columns)> All { get; } =
    [
        ("pods",
        [
            new("Ready", (pod, _) => PodStatusText.Ready(pod)), new("Status", (pod, _) => PodStatusText.Status(pod)),
            new("Restarts", (pod, now) => PodStatusText.Restarts(pod, now)), null,
            Wide("IP", pod => pod.Text("status", "podIP") ?? None), Wide("Node", pod => pod.Text("spec", "nodeName") ?? None),
            Wide("Nominated Node", pod => pod.Text("status", "nominatedNodeName") ?? None), Wide("Readiness Gates", ReadinessGates),
        ]),
        ("nodes",
        [
            Text("Status", NodeStatus), Text("Roles", NodeRoles), null, Text("Version", node => node.Text("status", "nodeInfo", "kubeletVersion") ?? ""),
            Wide("Internal-IP", node => NodeAddress(node, "InternalIP")), Wide("External-IP", node => NodeAddress(node, "ExternalIP")),
            Wide("OS-Image", node => OrUnknown(node.Text("status", "nodeInfo", "osImage"))),
            Wide("Kernel-Version", node => OrUnknown(node.Text("status", "nodeInfo", "kernelVersion"))),
            Wide("Container-Runtime", node => OrUnknown(node.Text("status", "nodeInfo", "containerRuntimeVersion"))),
        ]),
        ("namespaces", [Text("Status", value => value.Text("status", "phase") ?? ""), null]),
        ("services",
        [
            Text("Type", value => value.Text("spec", "type") ?? ""), Text("Cluster-IP", value => value.Text("spec", "clusterIP") ?? None),
            Text("External-IP", ExternalAddress), Text("Port(s)", ServicePorts), null, Wide("Selector", value => Map(value.At("spec", "selector"))),
        ]),
        ("endpoints", [Text("Endpoints", Endpoints), null]),
        ("events",
        [
            new("Last Seen", (value, now) => HumanTime.Since(value.Text("series", "lastObservedTime") ?? value.Text("lastTimestamp") ?? value.Text("eventTime") ?? value.Text("firstTimestamp"), now)),
            Text("Type", value => value.Text("type") ?? ""), Text("Reason", value => value.Text("reason") ?? ""),
            Text("Object", value => $"{value.Text("involvedObject", "kind")?.ToLowerInvariant()}/{value.Text("involvedObject", "name")}"),
            Wide("Subobject", value => value.Text("involvedObject", "fieldPath") ?? ""), Wide("Source", EventSource),
            Text("Message", value => value.Text("message")?.Trim() ?? ""),
            new("First Seen", (value, now) => HumanTime.Since(value.Text("firstTimestamp") ?? value.Text("eventTime"), now), Priority: 1),
            Wide("Count", value => (value.Whole("series", "count") ?? value.Whole("count") ?? 1).ToString(System.Globalization.CultureInfo.InvariantCulture)),
            new("Name", (value, _) => value.Text("metadata", "name"), Priority: 1, Format: "name"),
        ]),
        ("configmaps", [Text("Data", value => Count(value.Fields("data").Count() + value.Fields("binaryData").Count())), null]),
        ("secrets", [Text("Type", value => value.Text("type") ?? ""), Text("Data", value => Count(value.Fields("data").Count())), null]),
        ("serviceaccounts", [null]),
        ("replicationcontrollers",
        [
            Whole("Desired", value => value.Whole("spec", "replicas")), Whole("Current", value => value.Whole("status", "replicas")),
            Whole("Ready", value => value.Whole("status", "readyReplicas")), null, .. WorkloadPrinters.Containers(),
            Wide("Selector", value => Map(value.At("spec", "selector"))),
        ]),
        ("persistentvolumeclaims",
        [
            Text("Status", value => value.Text("status", "phase") ?? ""), Text("Volume", value => value.Text("spec", "volumeName") ?? ""),
            Text("Capacity", value => value.Text("status", "capacity", "storage") ?? ""), Text("Access Modes", value => Joined(value.Items("status", "accessModes"))),
            Text("StorageClass", value => value.Text("spec", "storageClassName") ?? ""), Text("VolumeAttributesClass", _ => "<unset>"), null,
            Wide("VolumeMode", value => value.Text("spec", "volumeMode") ?? ""),
        ]),
        ("limitranges", [new("Created At", (value, _) => value.Text("metadata", "creationTimestamp"), "date")]),
        ("podtemplates",
        [
            Text("Containers", value => Joined(value.Items("template", "spec", "containers").Select(item => item.At("name")))),
            Text("Images", value => Joined(value.Items("template", "spec", "containers").Select(item => item.At("image")))),
            Text("Pod Labels", value => Map(value.At("template", "metadata", "labels"))),
        ]),
    ];

    public static TableColumn Text(string name, Func<JsonElement, string> cell) => new(name, (root, _) => cell(root));

    public static TableColumn Wide(string name, Func<JsonElement, string> cell) => new(name, (root, _) => cell(root), Priority: 1);

    public static TableColumn Whole(string name, Func<JsonElement, long?> cell) => new(name, (root, _) => JsonValue.Create(cell(root) ?? 0), "integer");

    /// <summary>"a=b,c=d", sorted, or "&lt;none&gt;".</summary>
    public static string Map(JsonElement map)
    {
        var text = string.Join(',', map.Fields().Select(field => $"{field.Name}={field.Value.Text()}").Order(StringComparer.Ordinal));
        return text.Length == 0 ? None : text;
    }

    public static string Joined(IEnumerable<JsonElement> items) => string.Join(',', items.Select(item => item.Text()));

    private static string Count(int count) => count.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string OrUnknown(string? text) => string.IsNullOrEmpty(text) ? "<unknown>" : text;

    private static string ReadinessGates(JsonElement pod)
    {
        var gates = pod.Items("spec", "readinessGates").Select(gate => gate.Text("conditionType")).ToArray();
        if (gates.Length == 0) return None;
        var met = gates.Count(gate => pod.Items("status", "conditions").Any(condition => condition.Text("type") == gate && condition.Text("status") == "True"));
        return $"{met}/{gates.Length}";
    }

    private static string NodeStatus(JsonElement node)
    {
        var ready = node.Items("status", "conditions").FirstOrDefault(condition => condition.Text("type") == "Ready").Text("status");
        var status = ready switch { "True" => "Ready", null => "Unknown", _ => "NotReady" };
        return node.Flag("spec", "unschedulable") ? status + ",SchedulingDisabled" : status;
    }

    private static string NodeRoles(JsonElement node)
    {
        const string Prefix = "node-role.kubernetes.io/";
        var roles = node.Fields("metadata", "labels").Where(label => label.Name.StartsWith(Prefix, StringComparison.Ordinal)).Select(label => label.Name[Prefix.Length..]);
        var text = string.Join(',', roles.Order(StringComparer.Ordinal));
        return text.Length == 0 ? None : text;
    }

    private static string NodeAddress(JsonElement node, string type) =>
        node.Items("status", "addresses").FirstOrDefault(address => address.Text("type") == type).Text("address") ?? None;

    private static string ExternalAddress(JsonElement service)
    {
        var external = Joined(service.Items("spec", "externalIPs"));
        switch (service.Text("spec", "type"))
        {
            case "ExternalName": return service.Text("spec", "externalName") ?? None;
            case "LoadBalancer":
                var ingress = string.Join(',', service.Items("status", "loadBalancer", "ingress").Select(item => item.Text("ip") ?? item.Text("hostname")));
                if (external.Length > 0) return ingress.Length > 0 ? $"{ingress},{external}" : external;
                return ingress.Length > 0 ? ingress : "<pending>";
            default: return external.Length > 0 ? external : None;
        }
    }

    private static string ServicePorts(JsonElement service)
    {
        var ports = service.Items("spec", "ports").Select(port => port.Whole("nodePort") is { } node and > 0
            ? $"{port.Whole("port")}:{node}/{port.Text("protocol")}" : $"{port.Whole("port")}/{port.Text("protocol")}");
        var text = string.Join(',', ports);
        return text.Length == 0 ? None : text;
    }

    private static string Endpoints(JsonElement value)
    {
        var all = value.Items("subsets").SelectMany(subset =>
        {
            var ports = subset.Items("ports").ToArray();
            return subset.Items("addresses").SelectMany(address => ports.Length == 0
                ? (IEnumerable<string?>)[address.Text("ip")] : ports.Select(port => $"{address.Text("ip")}:{port.Whole("port")}"));
        }).ToArray();
        if (all.Length == 0) return None;
        return string.Join(',', all.Take(3)) + (all.Length > 3 ? $" + {all.Length - 3} more..." : "");
    }

    private static string EventSource(JsonElement value)
    {
        var component = value.Text("source", "component") ?? value.Text("reportingComponent") ?? "";
        return value.Text("source", "host") is { Length: > 0 } host ? $"{component}, {host}" : component;
    }
}
