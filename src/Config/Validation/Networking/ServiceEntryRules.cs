using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;
using static Istio.Networking.V1Alpha3.ServiceEntry.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>ServiceEntry: hosts, addresses and ports, and the endpoints that each kind of resolution needs or refuses.</summary>
internal static class ServiceEntryRules
{
    public static void Validate(Check check)
    {
        var entry = check.Object.As<ServiceEntry>();
        var spec = FieldPath.Spec;
        if (!check.Original)
        {
            if (!Selectors.Validate(check, spec["workloadSelector"], entry.WorkloadSelector, "service entry")) return;
            if (entry.WorkloadSelector is not null && entry.Endpoints.Count > 0) check.Error(spec["endpoints"], "only one of WorkloadSelector or Endpoints is allowed in Service Entry");
        }
        Hosts(check, spec["hosts"], entry);
        CheckAddresses(check, spec["addresses"], entry);
        var names = Ports(check, spec["ports"], entry);
        switch (entry.Resolution)
        {
            case Resolution.None:
                if (entry.Endpoints.Count > 0) check.Error(spec["endpoints"], "no endpoints should be provided for resolution type none");
                if (entry.WorkloadSelector is not null) check.Warn(spec["workloadSelector"], "workloadSelector should not be set when resolution mode is NONE");
                break;
            case Resolution.Static:
                Static(check, spec["endpoints"], entry, names);
                break;
            case Resolution.Dns or Resolution.DnsRoundRobin:
                Dns(check, spec, entry, names);
                break;
            case Resolution.DynamicDns:
                DynamicDns(check, spec, entry);
                break;
            default:
                check.Error(spec["resolution"], $"unsupported resolution type {(int)entry.Resolution}");
                break;
        }
        if (entry.Resolution != Resolution.None && entry.Hosts.Count > 1 && entry.Ports.Any(port => !Values.IsHttp(port.Protocol) && !Values.IsTls(port.Protocol)))
            check.Error(spec["hosts"], "multiple hosts provided with non-HTTP, non-TLS ports");
        Exports.Validate(check, spec["exportTo"], entry.ExportTo, isServiceEntry: true);
    }

    private static void Hosts(Check check, FieldPath at, ServiceEntry entry)
    {
        if (entry.Hosts.Count == 0) check.Error(at, "service entry must have at least one host");
        for (var i = 0; i < entry.Hosts.Count; i++)
        {
            var host = entry.Hosts[i];
            check.Error(at[i], host == "*" ? "invalid host *" : DnsNames.CheckWildcardDomain(host, check.Original));
            if (host != "*" && !check.Original && entry.Resolution != Resolution.DynamicDns) check.Warn(at[i], DnsNames.CheckPartialWildcard(host));
        }
    }

    private static void CheckAddresses(Check check, FieldPath at, ServiceEntry entry)
    {
        for (var i = 0; i < entry.Addresses.Count; i++) check.Error(at[i], Addresses.CheckSubnet(entry.Addresses[i], check.Original));
        if (entry.Addresses.Any(address => address.Contains('/', StringComparison.Ordinal)) && entry.Resolution is not (Resolution.None or Resolution.Static))
            check.Error(at, "CIDR addresses are allowed only for NONE/STATIC resolution types");
    }

    private static HashSet<string> Ports(Check check, FieldPath at, ServiceEntry entry)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new HashSet<uint>();
        for (var i = 0; i < entry.Ports.Count; i++)
        {
            var (port, path) = (entry.Ports[i], at[i]);
            if (!names.Add(port.Name)) check.Error(path["name"], $"service entry port name {GoText.Quote(port.Name)} already defined");
            if (!numbers.Add(port.Number)) check.Error(path["number"], $"service entry port {port.Number} already defined");
            if (port.TargetPort != 0) check.Error(path["targetPort"], Addresses.CheckPort(port.TargetPort));
            if (!check.Original && entry.Addresses.Count == 0 && !HasAllocatedAddress(check, entry) && port.Protocol is "" or "TCP")
                check.Warn(path, "addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not enabled");
            check.Error(path["name"], DnsNames.CheckPortName(port.Name));
            check.Error(path["protocol"], Values.CheckProtocol(port.Protocol, check.Original));
            check.Error(path["number"], Addresses.CheckPort(port.Number));
        }
        return names;
    }

    /// <summary>Whether the control plane gives the entry an address of its own.</summary>
    private static bool HasAllocatedAddress(Check check, ServiceEntry entry) =>
        entry.Resolution != Resolution.None
        && !(check.Object.Labels.TryGetValue("networking.istio.io/enable-autoallocate-ip", out var enabled) && enabled.Equals("false", StringComparison.OrdinalIgnoreCase));

    private static void Static(Check check, FieldPath at, ServiceEntry entry, HashSet<string> names)
    {
        if (check.Original && entry.Endpoints.Count == 0) check.Error(at, "endpoints must be provided if service entry resolution mode is static");
        for (var i = 0; i < entry.Endpoints.Count; i++) WorkloadRules.Endpoint(check, at[i], entry.Endpoints[i], names, allowNames: false);
    }

    private static void Dns(Check check, FieldPath spec, ServiceEntry entry, HashSet<string> names)
    {
        var mode = entry.Resolution == Resolution.Dns ? "DNS" : "DNS_ROUND_ROBIN";
        for (var i = 0; i < entry.Hosts.Count && entry.Endpoints.Count == 0; i++)
        {
            if (DnsNames.CheckFqdn(entry.Hosts[i], check.Original) is not { } problem) continue;
            check.Error(spec["hosts"][i], check.Original
                ? "hosts must be FQDN if no endpoints are provided for resolution mode DNS"
                : $"hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode {mode}, {problem}");
        }
        if (entry.Resolution == Resolution.DnsRoundRobin && entry.Endpoints.Count > 1) check.Error(spec["endpoints"], $"there must only be 0 or 1 endpoint for resolution mode {mode}");
        for (var i = 0; i < entry.Endpoints.Count; i++)
        {
            var (endpoint, at) = (entry.Endpoints[i], spec["endpoints"][i]);
            if (!Addresses.IsIp(endpoint.Address) && DnsNames.CheckFqdn(endpoint.Address, check.Original) is not null)
                check.Error(at["address"], $"endpoint address {GoText.Quote(endpoint.Address)} is not a valid FQDN or an IP address");
            LabelSyntax.Validate(check, at["labels"], endpoint.Labels);
            foreach (var (name, port) in endpoint.Ports)
            {
                if (!names.Contains(name)) check.Error(at["ports"].Key(name), $"endpoint port {port} is not defined by the service entry");
                check.Error(at["ports"].Key(name), DnsNames.CheckPortName(name));
                check.Error(at["ports"].Key(name), Addresses.CheckPort(port));
            }
        }
        if (!check.Original && entry.Addresses.Count > 0 && entry.Hosts.Count > 1 && entry.Ports.Any(port => Values.IsTcp(port.Protocol)))
            check.Warn(spec["hosts"], "service entry can not have more than one host specified simultaneously with address and tcp port");
    }

    private static void DynamicDns(Check check, FieldPath spec, ServiceEntry entry)
    {
        if (entry.Hosts.Count == 0) check.Error(spec["hosts"], "at least one wildcard host must be provided for resolution type DYNAMIC_DNS");
        for (var i = 0; i < entry.Hosts.Count; i++)
            if (!DnsNames.IsWildcard(entry.Hosts[i]))
                check.Error(spec["hosts"][i], "host must be wildcarded for resolution mode DYNAMIC_DNS");
        if (entry.Addresses.Count > 0) check.Error(spec["addresses"], "addresses cannot be set for resolution type DYNAMIC_DNS. HTTP route domains will only be generated from the hosts field values");
        if (entry.Endpoints.Count > 0) check.Error(spec["endpoints"], "endpoints cannot be set for resolution type DYNAMIC_DNS. Destination IP address determined from hosts field values");
        for (var i = 0; i < entry.Ports.Count; i++)
            if (entry.Ports[i].Protocol.ToLowerInvariant() is not ("http" or "tls" or "grpc" or "http2"))
                check.Error(spec["ports"][i]["protocol"], "only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type DYNAMIC_DNS");
        if (entry.Location is not (Location.MeshExternal or Location.MeshInternal)) check.Error(spec["location"], "location must be MESH_EXTERNAL or MESH_INTERNAL for resolution type DYNAMIC_DNS");
        if (entry.Location == Location.MeshInternal && check.Object.Labels.TryGetValue("istio.io/use-waypoint", out var waypoint)
            && waypoint.Length > 0 && !waypoint.Equals("none", StringComparison.OrdinalIgnoreCase))
            check.Error(spec["location"], "location MESH_INTERNAL with resolution type DYNAMIC_DNS is not supported when using waypoints");
    }
}
