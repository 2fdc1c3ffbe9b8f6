using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking;

/// <summary>The filter metadata <c>istio</c>, by which tools and telemetry find what a resource was made from.</summary>
internal static class IstioMetadata
{
    public const string Key = "istio";

    /// <summary>The operator's object that a route or a chain comes from.</summary>
    public static Metadata OfConfig(string path) => Of(new Struct { Fields = { ["config"] = Value.ForString(path) } });

    /// <summary>The services behind a cluster, its DestinationRule and subset.</summary>
    public static Metadata OfCluster(IEnumerable<Service> services, string? rulePath, string subset, bool external)
    {
        var fields = new Struct();
        if (rulePath != null) fields.Fields["config"] = Value.ForString(rulePath);
        if (external) fields.Fields["external"] = Value.ForBool(true);
        Value[] list = [.. services.Select(s => Value.ForStruct(new()
        {
            Fields = { ["host"] = Value.ForString(s.Hostname), ["name"] = Value.ForString(s.Name), ["namespace"] = Value.ForString(s.Namespace) },
        }))];
        if (list.Length > 0) fields.Fields["services"] = Value.ForList(list);
        if (subset.Length > 0) fields.Fields["subset"] = Value.ForString(subset);
        return Of(fields);
    }

    /// <summary>The workload behind an endpoint: <c>name;namespace;canonical name;canonical revision;cluster</c>.</summary>
    public static Metadata OfEndpoint(ServiceEndpoint endpoint, string cluster) =>
        Of(new Struct { Fields = { ["workload"] = Value.ForString(Workload(endpoint, cluster)) } });

    private static string Workload(ServiceEndpoint endpoint, string cluster)
    {
        if (endpoint.WorkloadName.Length == 0) return ";;;;" + cluster;
        var labels = endpoint.Labels;
        var name = labels.GetValueOrDefault("service.istio.io/canonical-name") ?? labels.GetValueOrDefault("app.kubernetes.io/name")
            ?? labels.GetValueOrDefault("app") ?? endpoint.WorkloadName;
        var revision = labels.GetValueOrDefault("service.istio.io/canonical-revision") ?? labels.GetValueOrDefault("app.kubernetes.io/version")
            ?? labels.GetValueOrDefault("version") ?? "";
        return $"{endpoint.WorkloadName};{endpoint.Namespace};{name};{revision};{cluster}";
    }

    private static Metadata Of(Struct fields) => new() { FilterMetadata = { [Key] = fields } };
}
