using System.Text.Json.Nodes;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Lateen.Pilot.Model;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Situations;

/// <summary>One recorded situation: the objects that were applied and what istiod sent to a proxy.</summary>
internal sealed class Recording
{
    private static readonly string[] Folder = ["istiod-1.30.3-xds"];

    private Recording(string situation, string proxy, JsonObject dump, ProxyNode node, string config) =>
        (Situation, Proxy, Dump, Node, Config) = (situation, proxy, dump, node, config);

    public string Situation { get; }
    public string Proxy { get; }
    public JsonObject Dump { get; }
    public ProxyNode Node { get; }
    public string Config { get; }

    /// <summary>The recording, also where it is stored once for several situations; null when the proxy was not recorded.</summary>
    public static Recording? Load(string situation, string proxy)
    {
        var root = Corpora.Require(Folder);
        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(root, "index.json")))!.AsObject();
        if (index[$"{situation}/{proxy}.json"] is not JsonObject entry) return null;
        var file = (string?)entry["same"] ?? $"{situation}/{proxy}.json";
        var nodes = JsonNode.Parse(File.ReadAllText(Path.Combine(root, situation, "node.json")))!.AsObject();
        var node = ProxyNode.Parse(JsonParser.Default.Parse<Node>(nodes[proxy]!.ToJsonString()), out var error);
        Assert.True(node != null, error);
        return new(situation, proxy, JsonNode.Parse(File.ReadAllText(Path.Combine(root, file)))!.AsObject(), node, File.ReadAllText(Path.Combine(root, situation, "config.yaml")));
    }
}
