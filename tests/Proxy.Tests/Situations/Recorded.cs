using System.Text.Json.Nodes;
using Lateen.Support;

namespace Lateen.Proxy.Tests.Situations;

/// <summary>What istiod 1.30.3 sent to a proxy in a situation: resources as their JSON.</summary>
internal static class Recorded
{
    /// <summary>"SITUATION/PROXY" of every recording, those that are stored under another's name too.</summary>
    public static IReadOnlyList<string> All() => [.. Index().Select(entry => entry.Key[..^".json".Length]).Where(name => !name.EndsWith("/node", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>One recording: listeners, routes, clusters, endpoints, secrets.</summary>
    public static JsonObject Load(string name)
    {
        var entry = Index()[name + ".json"]!.AsObject();
        return JsonNode.Parse(File.ReadAllText(Path.Combine(Root(), (string?)entry["same"] ?? name + ".json")))!.AsObject();
    }

    private static string Root() => Corpora.Require("istiod-1.30.3-xds");

    private static JsonObject Index() => JsonNode.Parse(File.ReadAllText(Path.Combine(Root(), "index.json")))!.AsObject();
}
