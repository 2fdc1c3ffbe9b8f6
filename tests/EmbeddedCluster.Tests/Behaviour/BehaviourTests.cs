using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>
/// What all behaviour tests share: a client, and a namespace of the test's own. Every case below runs on the embedded server and on
/// Kubernetes' own; a case that only one of them can pass does not belong here.
/// </summary>
public abstract class BehaviourTests(ClusterUnderTest cluster) : IAsyncLifetime
{
    private static int _serial;

    protected ClusterUnderTest Cluster { get; } = cluster;

    protected ApiClient Api { get; private set; } = null!;

    /// <summary>The test's namespace.</summary>
    protected string Space { get; } = $"t{Environment.ProcessId}-{Interlocked.Increment(ref _serial)}";

    protected string Core(string plural, string name = "") => $"/api/v1/namespaces/{Space}/{plural}" + (name.Length > 0 ? "/" + name : "");

    protected string Apps(string plural, string name = "") => $"/apis/apps/v1/namespaces/{Space}/{plural}" + (name.Length > 0 ? "/" + name : "");

    public async ValueTask InitializeAsync()
    {
        Api = await Cluster.ClientAsync();
        Expect(201, await Api.PostAsync("/api/v1/namespaces", Json($$$"""{"metadata":{"name":"{{{Space}}}"}}""")));
        if (Cluster.HasControllers) await Eventually.TrueAsync(async () => (await Api.GetAsync(Core("serviceaccounts", "default"))).Code == 200);
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected static ApiAnswer Expect(int code, ApiAnswer answer)
    {
        Assert.True(code == answer.Code, $"wanted {code}, got {answer.Code}: {answer.Text}");
        return answer;
    }

    protected static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    protected static JsonObject ConfigMap(string name, string value = "x", string labels = "{}") =>
        Json($$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","labels":{{{labels}}}},"data":{"key":"{{{value}}}"}}""");

    protected static JsonObject Deployment(string name) => Json("""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"NAME"},"spec":{"selector":{"matchLabels":{"app":"NAME"}},
         "template":{"metadata":{"labels":{"app":"NAME"}},"spec":{"containers":[{"name":"main","image":"example.test/app:1","env":[{"name":"A","value":"a"}],
           "ports":[{"containerPort":80}]}]}}}}
        """.Replace("NAME", name, StringComparison.Ordinal));

    protected static JsonNode? At(JsonNode? node, params ReadOnlySpan<object> path)
    {
        foreach (var part in path) node = part is int at ? node?[at] : node?[(string)part];
        return node;
    }
}
