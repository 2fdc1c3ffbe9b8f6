using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Istio.Authentication.V1Alpha1;
using Istio.Extensions.V1Alpha1;
using Istio.Mixer.V1.Config.Client;
using Istio.Networking.V1Alpha3;
using Istio.Rbac.V1Alpha1;
using Istio.Security.V1Beta1;
using Istio.Telemetry.V1Alpha1;

namespace Lateen.Config.Kinds;

/// <summary>The catalogue of kinds: today's, 1.1's, and those of others that we recognise. Immutable.</summary>
public static class ConfigKinds
{
    private const string Networking = "networking.istio.io";
    private const string Security = "security.istio.io";
    private const string Extensions = "extensions.istio.io";
    private const string Telemetries = "telemetry.istio.io";
    private const string Rbac = "rbac.istio.io";
    private const string Authentication = "authentication.istio.io";
    private const string Policy = "config.istio.io";
    private const string GatewayApi = "gateway.networking.k8s.io";

    /// <summary>VirtualService.</summary>
    public static readonly ConfigKind VirtualService = Network("VirtualService", "virtualservices", KindAges.Both, () => Istio.Networking.V1Alpha3.VirtualService.Descriptor, "vs");

    /// <summary>DestinationRule.</summary>
    public static readonly ConfigKind DestinationRule = Network("DestinationRule", "destinationrules", KindAges.Both, () => Istio.Networking.V1Alpha3.DestinationRule.Descriptor, "dr");

    /// <summary>Istio's Gateway, not Gateway API's.</summary>
    public static readonly ConfigKind Gateway = Network("Gateway", "gateways", KindAges.Both, () => Istio.Networking.V1Alpha3.Gateway.Descriptor, "gw");

    /// <summary>ServiceEntry.</summary>
    public static readonly ConfigKind ServiceEntry = Network("ServiceEntry", "serviceentries", KindAges.Both, () => Istio.Networking.V1Alpha3.ServiceEntry.Descriptor, "se");

    /// <summary>Sidecar.</summary>
    public static readonly ConfigKind Sidecar = Network("Sidecar", "sidecars", KindAges.Both, () => Istio.Networking.V1Alpha3.Sidecar.Descriptor);

    /// <summary>WorkloadEntry.</summary>
    public static readonly ConfigKind WorkloadEntry = Network("WorkloadEntry", "workloadentries", KindAges.Today, () => Istio.Networking.V1Alpha3.WorkloadEntry.Descriptor, "we");

    /// <summary>WorkloadGroup.</summary>
    public static readonly ConfigKind WorkloadGroup = Network("WorkloadGroup", "workloadgroups", KindAges.Today, () => Istio.Networking.V1Alpha3.WorkloadGroup.Descriptor, "wg");

    /// <summary>EnvoyFilter.</summary>
    public static readonly ConfigKind EnvoyFilter = new(Networking, "EnvoyFilter", "envoyfilters", "v1alpha3", KindAges.Both, () => Istio.Networking.V1Alpha3.EnvoyFilter.Descriptor)
    { Category = "networking-istio-io" };

    /// <summary>ProxyConfig.</summary>
    public static readonly ConfigKind ProxyConfig = new(Networking, "ProxyConfig", "proxyconfigs", "v1beta1", KindAges.Today, () => Istio.Networking.V1Beta1.ProxyConfig.Descriptor)
    { Category = "networking-istio-io" };

    /// <summary>AuthorizationPolicy.</summary>
    public static readonly ConfigKind AuthorizationPolicy = Secure("AuthorizationPolicy", "authorizationpolicies", () => Istio.Security.V1Beta1.AuthorizationPolicy.Descriptor, "ap");

    /// <summary>PeerAuthentication.</summary>
    public static readonly ConfigKind PeerAuthentication = Secure("PeerAuthentication", "peerauthentications", () => Istio.Security.V1Beta1.PeerAuthentication.Descriptor, "pa");

    /// <summary>RequestAuthentication.</summary>
    public static readonly ConfigKind RequestAuthentication = Secure("RequestAuthentication", "requestauthentications", () => Istio.Security.V1Beta1.RequestAuthentication.Descriptor, "ra");

    /// <summary>Telemetry.</summary>
    public static readonly ConfigKind Telemetry = new(Telemetries, "Telemetry", "telemetries", "v1alpha1 v1", KindAges.Today, () => Istio.Telemetry.V1Alpha1.Telemetry.Descriptor)
    { ShortNames = ["telemetry"], Category = "telemetry-istio-io" };

    /// <summary>WasmPlugin.</summary>
    public static readonly ConfigKind WasmPlugin = new(Extensions, "WasmPlugin", "wasmplugins", "v1alpha1", KindAges.Today, () => Istio.Extensions.V1Alpha1.WasmPlugin.Descriptor)
    { Category = "extensions-istio-io" };

    /// <summary>TrafficExtension.</summary>
    public static readonly ConfigKind TrafficExtension = new(Extensions, "TrafficExtension", "trafficextensions", "v1alpha1", KindAges.Today, () => Istio.Extensions.V1Alpha1.TrafficExtension.Descriptor)
    { Category = "extensions-istio-io" };

    /// <summary>1.1's authentication policy of a namespace or service.</summary>
    public static readonly ConfigKind AuthenticationPolicy = new(Authentication, "Policy", "policies", "v1alpha1", KindAges.Original, () => Istio.Authentication.V1Alpha1.Policy.Descriptor)
    { Category = "authentication-istio-io" };

    /// <summary>1.1's authentication policy of the mesh.</summary>
    public static readonly ConfigKind MeshPolicy = new(Authentication, "MeshPolicy", "meshpolicies", "v1alpha1", KindAges.Original, () => Istio.Authentication.V1Alpha1.Policy.Descriptor)
    { Namespaced = false, Category = "authentication-istio-io" };

    /// <summary>1.1's role.</summary>
    public static readonly ConfigKind ServiceRole = Role("ServiceRole", "serviceroles", () => Istio.Rbac.V1Alpha1.ServiceRole.Descriptor);

    /// <summary>1.1's binding of a role.</summary>
    public static readonly ConfigKind ServiceRoleBinding = Role("ServiceRoleBinding", "servicerolebindings", () => Istio.Rbac.V1Alpha1.ServiceRoleBinding.Descriptor);

    /// <summary>1.1's switch for access control.</summary>
    public static readonly ConfigKind RbacConfig = Role("RbacConfig", "rbacconfigs", () => Istio.Rbac.V1Alpha1.RbacConfig.Descriptor);

    /// <summary>1.1's switch for access control, cluster-wide.</summary>
    public static readonly ConfigKind ClusterRbacConfig = Role("ClusterRbacConfig", "clusterrbacconfigs", () => Istio.Rbac.V1Alpha1.RbacConfig.Descriptor, namespaced: false);

    /// <summary>1.1's description of an HTTP API.</summary>
    public static readonly ConfigKind HttpApiSpec = Api("HTTPAPISpec", "httpapispecs", () => HTTPAPISpec.Descriptor);

    /// <summary>1.1's binding of an API to services.</summary>
    public static readonly ConfigKind HttpApiSpecBinding = Api("HTTPAPISpecBinding", "httpapispecbindings", () => HTTPAPISpecBinding.Descriptor);

    /// <summary>1.1's quotas.</summary>
    public static readonly ConfigKind QuotaSpec = Api("QuotaSpec", "quotaspecs", () => Istio.Mixer.V1.Config.Client.QuotaSpec.Descriptor);

    /// <summary>1.1's binding of quotas to services.</summary>
    public static readonly ConfigKind QuotaSpecBinding = Api("QuotaSpecBinding", "quotaspecbindings", () => Istio.Mixer.V1.Config.Client.QuotaSpecBinding.Descriptor);

    private static readonly string[] Mixer =
    [
        "rule rules", "attributemanifest attributemanifests", "handler handlers", "instance instances", "template templates", "adapter adapters",
        "bypass bypasses", "circonus circonuses", "cloudwatch cloudwatches", "denier deniers", "dogstatsd dogstatsds", "fluentd fluentds",
        "kubernetesenv kubernetesenvs", "listchecker listcheckers", "memquota memquotas", "noop noops", "opa opas",
        "prometheus prometheuses", "rbac rbacs", "redisquota redisquotas", "signalfx signalfxs", "solarwinds solarwindses",
        "stackdriver stackdrivers", "statsd statsds", "stdio stdios", "zipkin zipkins", "apikey apikeys", "authorization authorizations",
        "checknothing checknothings", "edge edges", "kubernetes kuberneteses", "listentry listentries", "logentry logentries",
        "metric metrics", "quota quotas", "reportnothing reportnothings", "tracespan tracespans",
    ];

    private static readonly string[] Foreign =
    [
        "GatewayClass gatewayclasses v1 v1beta1", "Gateway gateways v1 v1beta1", "HTTPRoute httproutes v1 v1beta1", "GRPCRoute grpcroutes v1",
        "TCPRoute tcproutes v1alpha2", "TLSRoute tlsroutes v1alpha3 v1alpha2", "UDPRoute udproutes v1alpha2",
        "ReferenceGrant referencegrants v1beta1", "BackendTLSPolicy backendtlspolicies v1",
    ];

    /// <summary>Every kind, foreign ones included.</summary>
    public static IReadOnlyList<ConfigKind> All { get; } =
    [
        VirtualService, DestinationRule, Gateway, ServiceEntry, Sidecar, WorkloadEntry, WorkloadGroup, EnvoyFilter, ProxyConfig,
        AuthorizationPolicy, PeerAuthentication, RequestAuthentication, Telemetry, WasmPlugin, TrafficExtension,
        AuthenticationPolicy, MeshPolicy, ServiceRole, ServiceRoleBinding, RbacConfig, ClusterRbacConfig,
        HttpApiSpec, HttpApiSpecBinding, QuotaSpec, QuotaSpecBinding,
        .. Mixer.Select(row => row.Split(' ')).Select(row => new ConfigKind(Policy, row[0], row[1], "v1alpha2", KindAges.Original, () => Struct.Descriptor)
        { Role = KindRole.Opaque, Category = "policy-istio-io" }),
        .. Foreign.Select(row => row.Split(' ', 3)).Select(row => new ConfigKind(GatewayApi, row[0], row[1], row[2], KindAges.Today, () => Struct.Descriptor)
        { Role = KindRole.Foreign, Namespaced = row[0] != "GatewayClass" }),
    ];

    private static readonly FrozenDictionary<(string Group, string Kind), ConfigKind> ByName = All.ToFrozenDictionary(kind => (kind.Group, kind.Kind));

    /// <summary>The kind of a group, in any version; null when it is none of these.</summary>
    public static ConfigKind? Find(string group, string kind) => ByName.GetValueOrDefault((group, kind));

    /// <summary>The kind of <c>group/version</c>, when that version is served; null otherwise.</summary>
    public static ConfigKind? FindServed(string apiVersion, string kind)
    {
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || Find(apiVersion[..slash], kind) is not { } found) return null;
        return found.Versions.Contains(apiVersion[(slash + 1)..]) ? found : null;
    }

    private static ConfigKind Network(string kind, string plural, KindAges ages, Func<MessageDescriptor> message, params string[] shortNames) =>
        new(Networking, kind, plural, "v1 v1beta1 v1alpha3", ages, message) { ShortNames = shortNames, Category = "networking-istio-io" };

    private static ConfigKind Secure(string kind, string plural, Func<MessageDescriptor> message, params string[] shortNames) =>
        new(Security, kind, plural, "v1 v1beta1", KindAges.Today, message) { ShortNames = shortNames, Category = "security-istio-io" };

    private static ConfigKind Role(string kind, string plural, Func<MessageDescriptor> message, bool namespaced = true) =>
        new(Rbac, kind, plural, "v1alpha1", KindAges.Original, message) { Namespaced = namespaced, Category = "rbac-istio-io" };

    private static ConfigKind Api(string kind, string plural, Func<MessageDescriptor> message) =>
        new(Policy, kind, plural, "v1alpha2", KindAges.Original, message) { Category = "apim-istio-io" };
}
