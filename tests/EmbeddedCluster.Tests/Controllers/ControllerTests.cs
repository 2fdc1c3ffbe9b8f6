using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Controllers;

/// <summary>What all tests of controllers share: a server of the class's own with a fake node.</summary>
public sealed class ClusterWithNode : IAsyncLifetime
{
    private readonly EmbeddedClusterUnderTest _cluster = new();
    private FakeNode? _node;

    public ClusterUnderTest Cluster => _cluster;

    public async ValueTask InitializeAsync() => _node = await FakeNode.StartAsync(await _cluster.ClientAsync());

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        await _cluster.DisposeAsync();
    }
}

/// <summary>Helpers of the controllers' tests.</summary>
public abstract class ControllerTests(ClusterWithNode cluster) : BehaviourTests(cluster.Cluster)
{
    protected async Task<JsonObject[]> ItemsAsync(string path) => [.. ((JsonArray)(await Api.GetAsync(path)).Body["items"]!).Select(item => (JsonObject)item!.DeepClone())];

    protected Task<JsonObject[]> PodsAsync() => ItemsAsync(Core("pods"));

    protected static bool IsReady(JsonObject pod) => pod["status"]?["conditions"] is JsonArray conditions
        && conditions.Any(condition => (string?)condition!["type"] == "Ready" && (string?)condition["status"] == "True");

    protected static string Image(JsonObject pod) => (string)pod["spec"]!["containers"]![0]!["image"]!;

    protected async Task<string?> ConditionAsync(string path, string type, string part = "status") =>
        (string?)((await Api.GetAsync(path)).Body["status"]?["conditions"] as JsonArray)?.FirstOrDefault(condition => (string?)condition!["type"] == type)?[part];

    protected Task SettledAsync(string name, int replicas) => Eventually.TrueAsync(async () =>
    {
        var deployment = (await Api.GetAsync(Apps("deployments", name))).Body;
        var status = deployment["status"]!;
        return (long?)status["observedGeneration"] == (long?)deployment["metadata"]!["generation"] && ((int?)status["replicas"] ?? 0) == replicas
            && ((int?)status["updatedReplicas"] ?? 0) == replicas && ((int?)status["availableReplicas"] ?? 0) == replicas;
    });
}
