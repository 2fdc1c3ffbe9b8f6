using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>A container cannot be started as its specification has it (reason CreateContainerConfigError).</summary>
internal sealed class ContainerConfigException(string message) : Exception(message);

/// <summary>Puts a container's environment together. Pure, but for the objects that it reads.</summary>
/// <remarks>In this order, later ones winning: the image's, the services', <c>envFrom</c>, <c>env</c>.</remarks>
internal static class ContainerEnvironment
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The variables by name.</summary>
    /// <exception cref="ContainerConfigException">Something that it refers to is not there.</exception>
    public static IReadOnlyDictionary<string, string> Build(
        ContainerDefinition container, PodFields fields, ClusterObjects objects, IReadOnlyDictionary<string, string> imageVariables)
    {
        var pod = fields.Pod;
        var variables = new Dictionary<string, string>(imageVariables);
        variables.TryAdd("PATH", DefaultPath);
        variables.TryAdd("HOME", "/root");
        variables["HOSTNAME"] = pod.HostName;
        var services = pod.Spec["enableServiceLinks"] is JsonValue value && value.TryGetValue(out bool links) && !links
            ? objects.ServicesSeenFrom(" ")
            : objects.ServicesSeenFrom(pod.Namespace);
        foreach (var service in services) AddService(variables, service);
        foreach (var source in container.Json.ItemsOf("envFrom")) AddSource(variables, source, pod.Namespace, objects);
        foreach (var entry in container.Json.ItemsOf("env"))
            if (Value(entry, container, fields, objects, variables) is { } text) variables[entry.TextOf("name")] = text;
        return variables;
    }

    private static string? Value(
        JsonObject entry, ContainerDefinition container, PodFields fields, ClusterObjects objects, IReadOnlyDictionary<string, string> known)
    {
        if (entry["valueFrom"] is not JsonObject from) return VariableExpansion.Expand(entry.TextOf("value"), known);
        if (from["fieldRef"] is JsonObject field)
            return fields.Field(field.TextOf("fieldPath")) ?? throw new ContainerConfigException($"fieldPath \"{field.TextOf("fieldPath")}\" is not supported");
        if (from["resourceFieldRef"] is JsonObject resource)
            return fields.Resource(resource, container) ?? throw new ContainerConfigException($"resource \"{resource.TextOf("resource")}\" is not supported");
        if (from["configMapKeyRef"] is JsonObject map) return Key(map, "configmap", objects.ConfigMap(fields.Pod.Namespace, map.TextOf("name")), fields.Pod.Namespace);
        if (from["secretKeyRef"] is JsonObject secret) return Key(secret, "secret", objects.Secret(fields.Pod.Namespace, secret.TextOf("name")), fields.Pod.Namespace);
        return "";
    }

    private static string? Key(JsonObject reference, string kind, IReadOnlyDictionary<string, byte[]>? entries, string ns)
    {
        var (name, key) = (reference.TextOf("name"), reference.TextOf("key"));
        if (entries is not null && entries.TryGetValue(key, out var value)) return Encoding.UTF8.GetString(value);
        if (reference.FlagOf("optional")) return null;
        throw new ContainerConfigException(entries is null ? $"{kind} \"{name}\" not found" : $"couldn't find key {key} in {kind} {ns}/{name}");
    }

    private static void AddSource(Dictionary<string, string> variables, JsonObject source, string ns, ClusterObjects objects)
    {
        var isSecret = source["secretRef"] is JsonObject;
        var reference = source.ObjectOf(isSecret ? "secretRef" : "configMapRef");
        var name = reference.TextOf("name");
        var entries = isSecret ? objects.Secret(ns, name) : objects.ConfigMap(ns, name);
        if (entries is null && !reference.FlagOf("optional")) throw new ContainerConfigException($"{(isSecret ? "secret" : "configmap")} \"{name}\" not found");
        foreach (var (key, value) in entries ?? new Dictionary<string, byte[]>()) variables[source.TextOf("prefix") + key] = Encoding.UTF8.GetString(value);
    }

    // The variables of Docker's links, as kubelet still writes them (pkg/kubelet/envvars).
    private static void AddService(Dictionary<string, string> variables, JsonObject service)
    {
        var spec = service.ObjectOf("spec");
        var address = spec.TextOf("clusterIP");
        var ports = spec.ItemsOf("ports").ToArray();
        if (address.Length == 0 || address == "None" || ports.Length == 0) return;
        var prefix = Word(service.ObjectOf("metadata").TextOf("name"));
        variables[$"{prefix}_SERVICE_HOST"] = address;
        variables[$"{prefix}_SERVICE_PORT"] = Text(ports[0].NumberOf("port"));
        for (var i = 0; i < ports.Length; i++)
        {
            var (number, protocol) = (Text(ports[i].NumberOf("port")), ports[i].TextOf("protocol") is { Length: > 0 } given ? given : "TCP");
            if (ports[i].TextOf("name") is { Length: > 0 } name) variables[$"{prefix}_SERVICE_PORT_{Word(name)}"] = number;
            var link = $"{protocol.ToLowerInvariant()}://{address}:{number}";
            if (i == 0) variables[$"{prefix}_PORT"] = link;
            var portPrefix = $"{prefix}_PORT_{number}_{protocol}";
            variables[portPrefix] = link;
            variables[$"{portPrefix}_PROTO"] = protocol.ToLowerInvariant();
            variables[$"{portPrefix}_PORT"] = number;
            variables[$"{portPrefix}_ADDR"] = address;
        }
    }

    private static string Word(string name) => name.ToUpperInvariant().Replace('-', '_').Replace('.', '_');

    private static string Text(int? number) => (number ?? 0).ToString(CultureInfo.InvariantCulture);
}
