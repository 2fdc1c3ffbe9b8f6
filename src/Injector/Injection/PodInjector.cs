using System.Text.Json.Nodes;
using Lateen.Foundation.Yaml;
using Lateen.Kubernetes.Models;

namespace Lateen.Injector.Injection;

/// <summary>
/// Adds the init container that captures traffic, the sidecar and its volumes to a pod. Pure: the pod that goes in is not
/// changed. Source: inventory INJ; Istio's injection template with an ordinary sidecar container.
/// </summary>
public static class PodInjector
{
    private const long ProxyUser = 1337;

    /// <summary>The injected pod (metadata and spec), for a pod of a namespace.</summary>
    public static JsonObject Inject(JsonObject pod, string ns, InjectionConfig config)
    {
        var result = pod.DeepClone().AsObject();
        var model = new Pod(pod);
        var spec = Child(result, "spec");
        var owner = WorkloadOwner.Of(model, ns);
        var captures = Interception(model, config) != "NONE";
        if (captures) List(spec, "initContainers").Add((JsonNode)InitContainer(model, config));
        else if (config.ApplicationProxyPort > 0)
            foreach (var container in List(spec, "containers").OfType<JsonObject>()) TellProxy(List(container, "env"), config.ApplicationProxyPort);
        List(spec, "containers").Add((JsonNode)Sidecar(model, owner, config));
        var volumes = List(spec, "volumes");
        foreach (var volume in Volumes()) volumes.Add((JsonNode)volume);
        var security = Child(spec, "securityContext");
        security["fsGroup"] ??= ProxyUser;
        Annotate(Child(result, "metadata"), model, owner, captures);
        return result;
    }

    /// <summary>The pod's own word, else the mesh's. Source: Istio's injection template, which adds no init container for NONE.</summary>
    private static string Interception(Pod pod, InjectionConfig config) =>
        pod.Annotations.GetValueOrDefault("sidecar.istio.io/interceptionMode") ?? (string?)config.DefaultProxyConfig["interceptionMode"] ?? "REDIRECT";

    /// <summary>differs: Istio leaves it to the application how it finds the proxy. What the container says itself stands.</summary>
    private static void TellProxy(JsonArray variables, int port)
    {
        void Add(string name, JsonObject value)
        {
            if (variables.Any(variable => (string?)variable!["name"] == name)) return;
            value["name"] = name;
            variables.Add((JsonNode)value);
        }
        Add("SIDECAR_ADDRESS", new JsonObject { ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = "status.podIP" } } });
        foreach (var name in new[] { "HTTP_PROXY", "http_proxy" }) Add(name, new JsonObject { ["value"] = $"http://$(SIDECAR_ADDRESS):{port}" });
        foreach (var name in new[] { "NO_PROXY", "no_proxy" }) Add(name, new JsonObject { ["value"] = "localhost,127.0.0.1" });
    }

    private static JsonObject InitContainer(Pod pod, InjectionConfig config)
    {
        string Setting(string annotation, string fallback) => pod.Annotations.GetValueOrDefault($"traffic.sidecar.istio.io/{annotation}", fallback);
        var excluded = Setting("excludeInboundPorts", config.ExcludeInboundPorts);
        var own = $"15090,15021,{(excluded.Length > 0 ? excluded.Replace(" ", "", StringComparison.Ordinal) + "," : "")}{config.StatusPort}";
        var arguments = new JsonArray(
            "istio-iptables", "-p", "15001", "-z", "15006", "-u", "1337", "-m", Interception(pod, config),
            "-i", Setting("includeOutboundIPRanges", config.IncludeOutboundRanges), "-x", Setting("excludeOutboundIPRanges", config.ExcludeOutboundRanges),
            "-b", Setting("includeInboundPorts", "*"), "-d", own);
        if (Setting("excludeOutboundPorts", "") is { Length: > 0 } outbound)
        {
            arguments.Add((JsonNode)"-o");
            arguments.Add((JsonNode)outbound);
        }
        arguments.Add((JsonNode)"--log_output_level=default:info");
        return new JsonObject
        {
            ["name"] = "istio-init",
            ["image"] = config.ProxyImage,
            ["args"] = arguments,
            ["resources"] = Resources(),
            ["securityContext"] = new JsonObject
            {
                ["allowPrivilegeEscalation"] = false,
                ["capabilities"] = new JsonObject { ["add"] = new JsonArray("NET_ADMIN", "NET_RAW"), ["drop"] = new JsonArray("ALL") },
                ["privileged"] = false,
                ["readOnlyRootFilesystem"] = false,
                ["runAsGroup"] = 0,
                ["runAsNonRoot"] = false,
                ["runAsUser"] = 0,
            },
        };
    }

    private static JsonObject Sidecar(Pod pod, WorkloadOwner owner, InjectionConfig config) => new()
    {
        ["name"] = "istio-proxy",
        ["image"] = config.ProxyImage,
        ["args"] = new JsonArray(
            "proxy", "sidecar", "--domain", $"$(POD_NAMESPACE).svc.{config.ClusterDomain}",
            $"--proxyLogLevel={pod.Annotations.GetValueOrDefault("sidecar.istio.io/logLevel", config.ProxyLogLevel)}", "--proxyComponentLogLevel=misc:error",
            // Said, since a node without mount namespaces finds mount points in words only.
            "--log_output_level=default:info", "--configPath=/etc/istio/proxy", "--podInfo=/etc/istio/pod"),
        ["env"] = Environment(pod, owner, config),
        ["ports"] = new JsonArray(new JsonObject { ["containerPort"] = 15090, ["name"] = "http-envoy-prom", ["protocol"] = "TCP" }),
        ["readinessProbe"] = new JsonObject
        {
            ["httpGet"] = new JsonObject { ["path"] = "/healthz/ready", ["port"] = 15021 },
            ["initialDelaySeconds"] = 1,
            ["periodSeconds"] = 2,
            ["timeoutSeconds"] = 3,
            ["failureThreshold"] = 30,
        },
        ["resources"] = Resources(),
        ["securityContext"] = new JsonObject
        {
            ["allowPrivilegeEscalation"] = false,
            ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
            ["privileged"] = false,
            ["readOnlyRootFilesystem"] = true,
            ["runAsGroup"] = ProxyUser,
            ["runAsNonRoot"] = true,
            ["runAsUser"] = ProxyUser,
        },
        ["volumeMounts"] = new JsonArray(
            new JsonObject { ["mountPath"] = "/etc/istio/proxy", ["name"] = "istio-envoy" },
            new JsonObject { ["mountPath"] = "/var/lib/istio/data", ["name"] = "istio-data" },
            new JsonObject { ["mountPath"] = "/etc/istio/pod", ["name"] = "istio-podinfo" }),
    };

    private static JsonArray Environment(Pod pod, WorkloadOwner owner, InjectionConfig config)
    {
        var variables = new JsonArray();
        void Value(string name, string value) => variables.Add((JsonNode)new JsonObject { ["name"] = name, ["value"] = value });
        void Field(string name, string path) => variables.Add((JsonNode)new JsonObject
        {
            ["name"] = name,
            ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = path } },
        });
        Field("POD_NAME", "metadata.name");
        Field("POD_NAMESPACE", "metadata.namespace");
        Field("INSTANCE_IP", "status.podIP");
        Field("SERVICE_ACCOUNT", "spec.serviceAccountName");
        Field("HOST_IP", "status.hostIP");
        Value("PROXY_CONFIG", ProxyConfig(pod, config));
        Value("ISTIO_META_POD_PORTS", Ports(pod));
        Value("ISTIO_META_APP_CONTAINERS", string.Join(',', pod.Containers.Select(container => container.Name)));
        Value("ISTIO_META_CLUSTER_ID", config.ClusterId);
        Value("ISTIO_META_INTERCEPTION_MODE", Interception(pod, config));
        // Where the application listens when nothing brings its traffic to it; the node knows.
        if (Interception(pod, config) == "NONE" && config.ApplicationProxyPort > 0) Value("ISTIO_META_APP_ADDRESS", "$(APP_ADDRESS)");
        if (owner.Name.Length > 0) Value("ISTIO_META_WORKLOAD_NAME", owner.Name);
        if (owner.Uri.Length > 0) Value("ISTIO_META_OWNER", owner.Uri);
        Value("ISTIO_META_MESH_ID", config.TrustDomain);
        Value("TRUST_DOMAIN", config.TrustDomain);
        return variables;
    }

    /// <summary>The mesh's default with the pod's own annotation over it.</summary>
    private static string ProxyConfig(Pod pod, InjectionConfig config)
    {
        var merged = config.DefaultProxyConfig.DeepClone().AsObject();
        if (pod.Annotations.TryGetValue("proxy.istio.io/config", out var own) && YamlReader.ReadAll(own, "proxy.istio.io/config") is [{ Root: JsonObject fields }, ..])
            foreach (var (name, value) in fields) merged[name] = value?.DeepClone();
        return merged.ToJsonString() + "\n";
    }

    private static string Ports(Pod pod) => new JsonArray([.. pod.Containers.SelectMany(container => container.Ports).Select(port =>
    {
        var entry = new JsonObject();
        if (port.Name.Length > 0) entry["name"] = port.Name;
        entry["containerPort"] = port.Port;
        if (port.Protocol != "TCP") entry["protocol"] = port.Protocol;
        return (JsonNode)entry;
    })]).ToJsonString();

    private static JsonObject[] Volumes() =>
    [
        new() { ["name"] = "istio-envoy", ["emptyDir"] = new JsonObject { ["medium"] = "Memory" } },
        new() { ["name"] = "istio-data", ["emptyDir"] = new JsonObject() },
        new()
        {
            ["name"] = "istio-podinfo",
            ["downwardAPI"] = new JsonObject
            {
                ["items"] = new JsonArray(
                    new JsonObject { ["path"] = "labels", ["fieldRef"] = new JsonObject { ["fieldPath"] = "metadata.labels" } },
                    new JsonObject { ["path"] = "annotations", ["fieldRef"] = new JsonObject { ["fieldPath"] = "metadata.annotations" } }),
            },
        },
    ];

    private static JsonObject Resources() => new()
    {
        ["limits"] = new JsonObject { ["cpu"] = "2", ["memory"] = "1Gi" },
        ["requests"] = new JsonObject { ["cpu"] = "100m", ["memory"] = "128Mi" },
    };

    private static void Annotate(JsonObject metadata, Pod pod, WorkloadOwner owner, bool captures)
    {
        var annotations = Child(metadata, "annotations");
        if (pod.Containers.FirstOrDefault() is { } first)
        {
            annotations["kubectl.kubernetes.io/default-container"] ??= first.Name;
            annotations["kubectl.kubernetes.io/default-logs-container"] ??= first.Name;
        }
        annotations["istio.io/rev"] ??= "default";
        annotations[InjectionDecision.StatusAnnotation] = new JsonObject
        {
            ["initContainers"] = captures ? new JsonArray("istio-init") : null,
            ["containers"] = new JsonArray("istio-proxy"),
            ["volumes"] = new JsonArray("istio-envoy", "istio-data", "istio-podinfo"),
            ["imagePullSecrets"] = null,
            ["revision"] = "default",
        }.ToJsonString();
        var labels = Child(metadata, "labels");
        labels["service.istio.io/canonical-name"] ??= pod.Labels.GetValueOrDefault("app.kubernetes.io/name") ?? pod.Labels.GetValueOrDefault("app") ?? owner.Name;
        labels["service.istio.io/canonical-revision"] ??= pod.Labels.GetValueOrDefault("app.kubernetes.io/version") ?? pod.Labels.GetValueOrDefault("version") ?? "latest";
    }

    private static JsonObject Child(JsonObject parent, string name)
    {
        if (parent[name] is not JsonObject child) parent[name] = child = [];
        return child;
    }

    private static JsonArray List(JsonObject parent, string name)
    {
        if (parent[name] is not JsonArray list) parent[name] = list = [];
        return list;
    }
}
