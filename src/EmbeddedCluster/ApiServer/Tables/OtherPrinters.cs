using System.Globalization;
using System.Text.Json;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>Columns of the remaining groups. A null column is the age.</summary>
internal static class OtherPrinters
{
    private static readonly TableColumn CreatedAt = new("Created At", (value, _) => value.Text("metadata", "creationTimestamp"), "date");

    public static IEnumerable<(string Kind, TableColumn?[] Columns)> All { get; } =
    [
        ("ingresses.networking.k8s.io",
        [
            CorePrinters.Text("Class", value => value.Text("spec", "ingressClassName") ?? value.Text("metadata", "annotations", "kubernetes.io/ingress.class") ?? CorePrinters.None),
            CorePrinters.Text("Hosts", Hosts),
            CorePrinters.Text("Address", value => string.Join(',', value.Items("status", "loadBalancer", "ingress").Select(item => item.Text("ip") ?? item.Text("hostname")))),
            CorePrinters.Text("Ports", value => value.Items("spec", "tls").Any() ? "80, 443" : "80"), null,
        ]),
        ("ingressclasses.networking.k8s.io",
        [
            CorePrinters.Text("Controller", value => value.Text("spec", "controller") ?? ""),
            CorePrinters.Text("Parameters", value => value.Has("spec", "parameters")
                ? $"{value.Text("spec", "parameters", "kind")}{(value.Text("spec", "parameters", "apiGroup") is { } group ? "." + group : "")}/{value.Text("spec", "parameters", "name")}" : CorePrinters.None), null,
        ]),
        ("networkpolicies.networking.k8s.io", [CorePrinters.Text("Pod-Selector", value => CorePrinters.Map(value.At("spec", "podSelector", "matchLabels"))), null]),
        ("poddisruptionbudgets.policy",
        [
            CorePrinters.Text("Min Available", value => value.Has("spec", "minAvailable") ? Plain(value.At("spec", "minAvailable")) : "N/A"),
            CorePrinters.Text("Max Unavailable", value => value.Has("spec", "maxUnavailable") ? Plain(value.At("spec", "maxUnavailable")) : "N/A"),
            CorePrinters.Whole("Allowed Disruptions", value => value.Whole("status", "disruptionsAllowed")), null,
        ]),
        ("roles.rbac.authorization.k8s.io", [CreatedAt]),
        ("clusterroles.rbac.authorization.k8s.io", [CreatedAt]),
        ("rolebindings.rbac.authorization.k8s.io", Bindings()),
        ("clusterrolebindings.rbac.authorization.k8s.io", Bindings()),
        ("leases.coordination.k8s.io", [CorePrinters.Text("Holder", value => value.Text("spec", "holderIdentity") ?? ""), null]),
        ("endpointslices.discovery.k8s.io",
        [
            CorePrinters.Text("AddressType", value => value.Text("addressType") ?? ""), CorePrinters.Text("Ports", SlicePorts), CorePrinters.Text("Endpoints", SliceEndpoints), null,
        ]),
        ("priorityclasses.scheduling.k8s.io",
        [
            CorePrinters.Whole("Value", value => value.Whole("value")), new("Global-Default", (value, _) => value.Flag("globalDefault"), "boolean"), null,
            CorePrinters.Text("PreemptionPolicy", value => value.Text("preemptionPolicy") ?? ""),
        ]),
        ("mutatingwebhookconfigurations.admissionregistration.k8s.io", [CorePrinters.Whole("Webhooks", value => value.Items("webhooks").Count()), null]),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", [CorePrinters.Whole("Webhooks", value => value.Items("webhooks").Count()), null]),
        ("customresourcedefinitions.apiextensions.k8s.io", [CreatedAt]),
    ];

    private static TableColumn?[] Bindings() =>
    [
        CorePrinters.Text("Role", value => $"{value.Text("roleRef", "kind")}/{value.Text("roleRef", "name")}"), null,
        Subjects("Users", "User"), Subjects("Groups", "Group"), Subjects("ServiceAccounts", "ServiceAccount"),
    ];

    private static TableColumn Subjects(string name, string kind) => CorePrinters.Wide(name, value => string.Join(", ", value.Items("subjects")
        .Where(subject => subject.Text("kind") == kind).Select(subject => kind == "ServiceAccount" ? $"{subject.Text("namespace")}/{subject.Text("name")}" : subject.Text("name"))));

    private static string Hosts(JsonElement ingress)
    {
        var hosts = ingress.Items("spec", "rules").Select(rule => rule.Text("host")).Where(host => !string.IsNullOrEmpty(host)).ToArray();
        if (hosts.Length == 0) return "*";
        return string.Join(',', hosts.Take(3)) + (hosts.Length > 3 ? $" + {hosts.Length - 3} more..." : "");
    }

    private static string SlicePorts(JsonElement slice)
    {
        var ports = slice.Items("ports").Select(port => port.Whole("port")?.ToString(CultureInfo.InvariantCulture) ?? "*").ToArray();
        if (ports.Length == 0) return "<unset>";
        return string.Join(',', ports.Take(3)) + (ports.Length > 3 ? $" + {ports.Length - 3} more..." : "");
    }

    private static string SliceEndpoints(JsonElement slice)
    {
        var all = slice.Items("endpoints").SelectMany(endpoint => endpoint.Items("addresses")).Select(address => address.GetString()).ToArray();
        if (all.Length == 0) return "<unset>";
        return string.Join(',', all.Take(3)) + (all.Length > 3 ? $" + {all.Length - 3} more..." : "");
    }

    private static string Plain(JsonElement value) => value.Text() ?? value.GetRawText();
}
