using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Config;
using Lateen.Config.Mesh;
using Lateen.Config.Validation;
using Lateen.Foundation.Yaml;
using Lateen.Kubernetes.Models;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Tests.Harness;

/// <summary>
/// A mesh in the test's own process: objects as YAML in, resources for a proxy out. What the API server and the network
/// would do between is left out, everything else is the real thing.
/// </summary>
internal sealed class FakeMesh
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SnapshotBuilder _builder = new("cluster.local", TimeProvider.System);
    private readonly JsonObject _mesh = [];
    private int _applied;

    public FakeMesh(string mesh = "accessLogFile: /dev/stdout\n")
    {
        Merge(_mesh, YamlReader.ReadAll(mesh, "mesh")[0].Root!.AsObject());
        Push([MeshChange()]);
    }

    public PushSnapshot Snapshot => _builder.Current;

    /// <summary>What the last change meant for proxies; null when it meant nothing.</summary>
    public PushRequest? LastPush { get; private set; }

    /// <summary>Objects that were refused, with the reason.</summary>
    public List<string> Refused { get; } = [];

    public FakeMesh Apply(string yaml)
    {
        List<StateChange> changes = [];
        foreach (var document in YamlReader.ReadAll(yaml, "test"))
        {
            Assert.Null(document.Error);
            if (document.Root is JsonObject item) changes.Add(Read(item));
        }
        Push(changes);
        return this;
    }

    public FakeMesh Delete(string kind, string @namespace, string name)
    {
        Push([new(kind, @namespace, name, null)]);
        return this;
    }

    public Client For(ProxyNode node) => new(node, Snapshot);

    /// <summary>A sidecar of a pod in the namespace default, unless the name has another.</summary>
    public static ProxyNode Sidecar(string pod, string address, string labels = "", string metadata = "")
    {
        var @namespace = pod.Contains('.') ? pod[(pod.IndexOf('.') + 1)..] : "default";
        return Node($"sidecar~{address}~{pod[..Math.Max(pod.IndexOf('.'), 0)]}{(pod.Contains('.') ? "" : pod)}.{@namespace}~{@namespace}.svc.cluster.local", labels, metadata);
    }

    public static ProxyNode Gateway(string address = "10.78.2.11", string labels = "istio: ingressgateway, app: istio-ingressgateway") =>
        Node($"router~{address}~gateway.istio-system~istio-system.svc.cluster.local", labels, "");

    public static ProxyNode Node(string id, string labels, string metadata)
    {
        var @namespace = id.Split('~')[2].Split('.')[^1];
        var yaml = $"{{NAMESPACE: {@namespace}, LABELS: {{{labels}}}{(metadata.Length > 0 ? ", " + metadata : "")}}}";
        var json = YamlReader.ReadAll(yaml, "node")[0].Root!.ToJsonString();
        var node = ProxyNode.Parse(new Envoy.Config.Core.V3.Node { Id = id, Metadata = JsonParser.Default.Parse<Struct>(json) }, out var error);
        Assert.True(node != null, error);
        return node;
    }

    private void Push(IReadOnlyCollection<StateChange> changes) => LastPush = _builder.Apply(new(changes, Start));

    private StateChange Read(JsonObject parsed)
    {
        // As from the API server: numbers of JSON, not of YAML.
        var item = JsonNode.Parse(parsed.ToJsonString())!.AsObject();
        var kind = (string?)item["kind"] ?? "";
        if (kind == "MeshConfig")
        {
            Merge(_mesh, item["spec"]!.AsObject());
            return MeshChange();
        }
        var metadata = item["metadata"]!.AsObject();
        // Later objects are younger: the order of conflicts is the order of the text.
        metadata["creationTimestamp"] ??= Start.AddSeconds(_applied++).ToString("yyyy-MM-ddTHH:mm:ssZ");
        if (kind is not ("Namespace" or "Node")) metadata["namespace"] ??= "default";
        var (@namespace, name) = KubeObject.KeyOf(item);
        object? value = kind switch
        {
            "Service" when (string?)item["apiVersion"] == "v1" => new Lateen.Kubernetes.Models.Service(item),
            "EndpointSlice" => new EndpointSlice(item),
            "Endpoints" => new Endpoints(item),
            "Pod" => new Pod(item),
            "Node" => new Lateen.Kubernetes.Models.Node(item),
            _ => Config(item),
        };
        return new(value == null ? "refused" : kind, @namespace, name, value);
    }

    private ConfigObject? Config(JsonObject item)
    {
        var read = ConfigReader.Read(item, "test", UnknownFields.Ignore);
        if (read.Object == null)
        {
            if (read.Errors.Count > 0) Refused.Add($"{item["kind"]}: {string.Join("; ", read.Errors)}");
            return null;
        }
        var verdict = ConfigValidator.Validate(read.Object);
        if (verdict.IsValid) return read.Object;
        Refused.Add($"{read.Object}: {string.Join("; ", verdict.Errors)}");
        return null;
    }

    private StateChange MeshChange()
    {
        var read = MeshConfigReader.Read(_mesh.ToJsonString(), "mesh");
        Assert.True(read.Config != null, string.Join("; ", read.Errors));
        return new(ConfigKey.Mesh, "", "", read.Config);
    }

    private static void Merge(JsonObject target, JsonObject over)
    {
        foreach (var (key, value) in over) target[key] = value?.DeepClone();
    }
}
