using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>Services: cluster addresses and node ports are given out here.</summary>
internal sealed class ServiceRules : KindRules
{
    private const string Headless = "None";

    public override NameRule Names => NameRule.Label1035;

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        spec.SetDefault("sessionAffinity", "None");
        spec.SetDefault("type", "ClusterIP");
        foreach (var port in spec.Items("ports"))
        {
            port.SetDefault("protocol", "TCP");
            if (port["targetPort"] is null || port.Whole("targetPort") == 0 || port.Text("targetPort") == "")
                port.SetOrRemove("targetPort", port["port"]?.DeepClone());
        }
        var type = spec.Text("type");
        if (type is "NodePort" or "LoadBalancer") spec.SetDefault("externalTrafficPolicy", "Cluster");
        if (type == "LoadBalancer") spec.SetDefault("allocateLoadBalancerNodePorts", true);
        if (type != "ExternalName") spec.SetDefault("internalTrafficPolicy", "Cluster");
        if (spec.Text("sessionAffinity") == "ClientIP") spec.Ensure("sessionAffinityConfig", "clientIP").SetDefault("timeoutSeconds", 10800L);
        if (spec.Text("clusterIP") is { Length: > 0 } address && spec["clusterIPs"] is null) spec["clusterIPs"] = new JsonArray(address);
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope)
    {
        value["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        Allocate(value, null, context);
    }

    public override void PrepareUpdate(JsonObject value, JsonObject old, RuleContext context)
    {
        var (spec, before) = (value.Ensure("spec"), old.Ensure("spec"));
        if (NeedsAddress(spec) && NeedsAddress(before) && string.IsNullOrEmpty(spec.Text("clusterIP")))
        {
            spec.SetOrRemove("clusterIP", before["clusterIP"]?.DeepClone());
            spec.SetOrRemove("clusterIPs", before["clusterIPs"]?.DeepClone());
        }
        if (spec.Text("type") == "ExternalName")
            foreach (var name in (string[])["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]) spec.Remove(name);
        KeepNodePorts(spec, before);
        Allocate(value, old, context);
    }

    public override void Abandon(JsonObject value, JsonObject? old, RuleContext context) =>
        context.Addresses.Release(Held(value).Except(Held(old)), HeldPorts(value).Except(HeldPorts(old)));

    public override void Settle(JsonObject? value, JsonObject old, RuleContext context) =>
        context.Addresses.Release(Held(old).Except(Held(value)), HeldPorts(old).Except(HeldPorts(value)));

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        var spec = value.Ensure("spec");
        var ports = spec.Items("ports").ToArray();
        if (ports.Length == 0 && spec.Text("type") != "ExternalName" && spec.Text("clusterIP") != Headless) problems.Required("spec.ports");
        if (spec.Text("type") == "ExternalName" && string.IsNullOrEmpty(spec.Text("externalName"))) problems.Required("spec.externalName");
        var names = new HashSet<string>();
        var pairs = new HashSet<string>();
        for (var i = 0; i < ports.Length; i++)
        {
            var path = $"spec.ports[{i}]";
            var name = ports[i].Text("name");
            if (string.IsNullOrEmpty(name))
            {
                if (ports.Length > 1) problems.Required($"{path}.name");
            }
            else if (ObjectNames.Label(name) is { } wrong)
            {
                problems.Invalid($"{path}.name", name, wrong);
            }
            else if (!names.Add(name))
            {
                problems.Duplicate($"{path}.name", name);
            }
            PodSpecChecks.CheckPort(ports[i]["port"], $"{path}.port", problems);
            PodSpecChecks.CheckPort(ports[i]["targetPort"], $"{path}.targetPort", problems);
            if (ports[i]["port"] is { } number && !pairs.Add($"{number.ToJsonString()}/{ports[i].Text("protocol")}"))
                problems.Duplicate(path, new JsonObject { ["port"] = number.DeepClone(), ["protocol"] = ports[i].Text("protocol") });
        }
        ObjectNames.CheckLabels(spec.Child("selector"), "spec.selector", problems);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        var (spec, before) = (value.Ensure("spec"), old.Ensure("spec"));
        if (!NeedsAddress(spec) || !NeedsAddress(before) || string.IsNullOrEmpty(before.Text("clusterIP"))) return;
        if (spec.Text("clusterIP") != before.Text("clusterIP"))
            problems.Invalid("spec.clusterIPs[0]", new JsonArray(spec.Text("clusterIP")), "may not change once set");
    }

    private static void Allocate(JsonObject value, JsonObject? old, RuleContext context)
    {
        var spec = value.Ensure("spec");
        if (spec.Text("type") == "ExternalName") return;
        spec.SetDefault("ipFamilies", new JsonArray("IPv4"));
        spec.SetDefault("ipFamilyPolicy", "SingleStack");
        var (addresses, ports) = (new List<string>(), new List<int>());
        try
        {
            AllocateAddress(value, spec, old, context.Addresses, addresses);
            AllocatePorts(value, spec, old, context.Addresses, ports);
        }
        catch
        {
            context.Addresses.Release(addresses, ports);
            throw;
        }
    }

    private static void AllocateAddress(JsonObject value, JsonObject spec, JsonObject? old, ServiceAddresses pool, List<string> taken)
    {
        var address = spec.Text("clusterIP");
        if (string.IsNullOrEmpty(address))
        {
            address = pool.Take() ?? throw ApiException.InternalError("failed to allocate a serviceIP: range is full");
            taken.Add(address);
        }
        else if (address != Headless && !Held(old).Contains(address))
        {
            if (!pool.Contains(address))
                throw Refused(value, "spec.clusterIPs", new JsonArray(address), $"failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is {pool.Range}");
            if (!pool.TryTake(address)) throw Refused(value, "spec.clusterIPs", new JsonArray(address), $"failed to allocate IP {address}: provided IP is already allocated");
            taken.Add(address);
        }
        spec["clusterIP"] = address;
        spec["clusterIPs"] = new JsonArray(address);
    }

    private static void AllocatePorts(JsonObject value, JsonObject spec, JsonObject? old, ServiceAddresses pool, List<int> taken)
    {
        var wanted = spec.Text("type") == "NodePort" || (spec.Text("type") == "LoadBalancer" && spec.Flag("allocateLoadBalancerNodePorts"));
        var held = HeldPorts(old).ToHashSet();
        var at = 0;
        foreach (var port in spec.Items("ports"))
        {
            var path = $"spec.ports[{at++}].nodePort";
            if (!wanted) port.Remove("nodePort");
            else if (port.Whole("nodePort") is > 0 and var asked)
            {
                if (held.Contains((int)asked)) continue;
                if (asked is < 30000 or > 32767) throw Refused(value, path, asked, "provided port is not in the valid range. The range of valid ports is 30000-32767");
                if (!pool.TryTakePort((int)asked)) throw Refused(value, path, asked, "provided port is already allocated");
                taken.Add((int)asked);
            }
            else
            {
                var free = pool.TakePort() ?? throw ApiException.InternalError("failed to allocate a nodePort: range is full");
                taken.Add(free);
                port["nodePort"] = (long)free;
            }
        }
    }

    /// <summary>An update that does not name node ports keeps those of the same ports.</summary>
    private static void KeepNodePorts(JsonObject spec, JsonObject before)
    {
        foreach (var port in spec.Items("ports"))
        {
            if (port.Whole("nodePort") is > 0) continue;
            var same = before.Items("ports").FirstOrDefault(other => other.Whole("port") == port.Whole("port") && other.Text("protocol") == port.Text("protocol"));
            if (same?["nodePort"] is { } number && spec.Text("type") is "NodePort" or "LoadBalancer") port["nodePort"] = number.DeepClone();
        }
    }

    private static bool NeedsAddress(JsonObject spec) => spec.Text("type") is "ClusterIP" or "NodePort" or "LoadBalancer";

    private static IEnumerable<string> Held(JsonObject? value) => value.Texts("spec", "clusterIPs").Where(address => address is not (Headless or ""));

    private static IEnumerable<int> HeldPorts(JsonObject? value) => value.Items("spec", "ports").Select(port => (int)(port.Whole("nodePort") ?? 0)).Where(port => port > 0);

    private static ApiException Refused(JsonObject value, string path, JsonNode shown, string why)
    {
        var problems = new FieldProblems();
        problems.Invalid(path, shown, why);
        return ApiException.Invalid("", "Service", value.Text("metadata", "name") ?? "", problems.All);
    }
}
