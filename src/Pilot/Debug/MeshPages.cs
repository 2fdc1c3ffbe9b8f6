using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.Api;
using Lateen.Config;
using Lateen.Config.Kinds;
using Lateen.Config.Sources;
using Lateen.Config.Stores;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Debug;

/// <summary>What Pilot knows of the mesh, as JSON with istiod's names. Any thread.</summary>
internal static class MeshPages
{
    /// <summary>Every object, as the API server would show it.</summary>
    public static JsonArray Configuration(ConfigStore store) =>
        new([.. ConfigKinds.All.SelectMany(k => store.List(k)).Select(o => (JsonNode)Object(o))]);

    public static JsonArray Services(PushSnapshot snapshot) => new([.. snapshot.Services.All.Select(s => (JsonNode)Service(s))]);

    /// <summary>The endpoints of every service and port.</summary>
    public static JsonArray Endpoints(PushSnapshot snapshot)
    {
        var all = new JsonArray();
        foreach (var service in snapshot.Services.All)
            foreach (var port in service.Ports)
                all.Add(new JsonObject
                {
                    ["svc"] = $"{service.Hostname}:{port.Name}",
                    ["ep"] = new JsonArray([.. Of(snapshot, service, port).Select(e => (JsonNode)Endpoint(e, port))]),
                });
        return all;
    }

    /// <summary>One line for each endpoint.</summary>
    public static string BriefEndpoints(PushSnapshot snapshot)
    {
        var text = new StringBuilder();
        foreach (var service in snapshot.Services.All)
            foreach (var port in service.Ports)
                foreach (var endpoint in Of(snapshot, service, port))
                    text.Append(CultureInfo.InvariantCulture, $"{service.Hostname}:{port.Name} {service.Namespace} {endpoint.Address}:{endpoint.Port} {Labels.Canonical(endpoint.Labels)} {endpoint.ServiceAccount}\n");
        return text.ToString();
    }

    public static JsonObject Status(PushSnapshot snapshot, IReadOnlyCollection<RejectedItem> rejected) => new()
    {
        ["version"] = snapshot.Version,
        ["services"] = snapshot.Services.All.Count,
        ["virtual_services"] = snapshot.Rules.All.Count,
        ["destination_rules"] = snapshot.DestinationRules.Count,
        ["pilot_total_rejected_configs"] = new JsonObject(rejected.OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => KeyValuePair.Create(
            r.Name, (JsonNode?)new JsonObject { ["source"] = r.Source, ["message"] = string.Join("; ", r.Problems) }))),
    };

    private static IEnumerable<ServiceEndpoint> Of(PushSnapshot snapshot, Service service, ServicePort port) =>
        snapshot.Endpoints.Find(service.Hostname, service.Namespace)?.All.Where(e => e.ServicePortName == port.Name) ?? [];

    private static JsonObject Object(ConfigObject item)
    {
        var metadata = new JsonObject { ["name"] = item.Name };
        if (item.Namespace.Length > 0) metadata["namespace"] = item.Namespace;
        if (item.ResourceVersion.Length > 0) metadata["resourceVersion"] = item.ResourceVersion;
        if (item.CreationTimestamp is { } created) metadata["creationTimestamp"] = Time(created);
        if (item.Labels.Count > 0) metadata["labels"] = Map(item.Labels);
        if (item.Annotations.Count > 0) metadata["annotations"] = Map(item.Annotations);
        return new()
        {
            ["kind"] = item.Kind.Kind,
            ["apiVersion"] = item.ApiVersion,
            ["metadata"] = metadata,
            ["spec"] = JsonNode.Parse(AnyRegistry.Formatter.Format(item.Spec)),
        };
    }

    private static JsonObject Service(Service service) => new()
    {
        ["Attributes"] = new JsonObject
        {
            ["ServiceRegistry"] = service.Registry.ToString(),
            ["Name"] = service.Name,
            ["Namespace"] = service.Namespace,
            ["Labels"] = Map(service.Labels),
            ["LabelSelectors"] = service.Selector == null ? null : Map(service.Selector),
        },
        ["hostname"] = service.Hostname,
        ["ports"] = new JsonArray([.. service.Ports.Select(p => new JsonObject { ["name"] = p.Name, ["port"] = p.Port, ["protocol"] = p.Protocol.ToString() })]),
        ["defaultAddress"] = service.PrimaryAddress,
        ["addresses"] = new JsonArray([.. service.Addresses.Select(a => JsonValue.Create(a))]),
        ["Resolution"] = service.Resolution.ToString(),
        ["MeshExternal"] = service.IsMeshExternal,
        ["creationTime"] = Time(service.Created),
    };

    private static JsonObject Endpoint(ServiceEndpoint endpoint, ServicePort port) => new()
    {
        ["endpoint"] = new JsonObject
        {
            ["Address"] = endpoint.Address,
            ["Port"] = endpoint.Port,
            ["ServicePort"] = new JsonObject { ["name"] = port.Name, ["port"] = port.Port, ["protocol"] = port.Protocol.ToString() },
            ["Locality"] = endpoint.Locality.ToString(),
            ["LbWeight"] = endpoint.Weight,
        },
        ["workload"] = endpoint.WorkloadName,
        ["namespace"] = endpoint.Namespace,
        ["serviceaccount"] = endpoint.ServiceAccount,
        ["labels"] = Map(endpoint.Labels),
    };

    private static JsonObject Map(IReadOnlyDictionary<string, string> values) =>
        new(values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => KeyValuePair.Create(v.Key, (JsonNode?)JsonValue.Create(v.Value))));

    private static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
