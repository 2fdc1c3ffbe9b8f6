using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;

namespace Lateen.EmbeddedCluster.Tests.Controllers;

/// <summary>
/// A node without processes: it says of each pod that it runs and is ready, ends what is deleted, and leaves pods alone whose image
/// says "broken". Pods whose image says "task" succeed at once.
/// </summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private readonly ApiClient _api;
    private readonly string _name;
    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;
    private int _addresses;

    private FakeNode(ApiClient api, string name)
    {
        _api = api;
        _name = name;
    }

    public static async Task<FakeNode> StartAsync(ApiClient api, string name = "fake-node")
    {
        var node = new FakeNode(api, name);
        await api.PostAsync("/api/v1/nodes", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });
        var now = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        await api.PatchAsync($"/api/v1/nodes/{name}/status", "merge", """
            {"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"NOW","lastTransitionTime":"NOW"}],"addresses":[{"type":"InternalIP","address":"127.0.0.1"}]}}
            """.Replace("NOW", now, StringComparison.Ordinal));
        node._loop = Task.Run(node.RunAsync);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        await _api.DeleteAsync("/api/v1/nodes/" + _name);
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            using var watch = await _api.WatchAsync($"/api/v1/pods?watch=1&timeoutSeconds=3600&fieldSelector=spec.nodeName%3D{_name}");
            using var end = _stopping.Token.Register(watch.Dispose);
            try
            {
                while (await watch.NextAsync(TimeSpan.FromHours(1)) is { } change)
                    if (change.Type != "DELETED") await ActAsync(change.Object);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // A watch that breaks off is begun again, and says again what there is.
            }
        }
    }

    private async Task ActAsync(JsonObject pod)
    {
        var metadata = pod["metadata"]!;
        var path = $"/api/v1/namespaces/{metadata["namespace"]}/pods/{metadata["name"]}";
        if (metadata["deletionTimestamp"] is not null)
        {
            await UntilTakenAsync(() => _api.DeleteAsync(path, JsonNode.Parse("""{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}""")));
            return;
        }
        var image = (string)pod["spec"]!["containers"]![0]!["image"]!;
        if ((string?)pod["status"]!["phase"] != "Pending" || image.Contains("broken", StringComparison.Ordinal)) return;
        var number = Interlocked.Increment(ref _addresses);
        var task = image.Contains("task", StringComparison.Ordinal);
        var now = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var status = new JsonObject
        {
            ["phase"] = task ? "Succeeded" : "Running", ["podIP"] = $"10.9.{number / 250}.{number % 250 + 1}", ["hostIP"] = "127.0.0.1",
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = task ? "False" : "True", ["lastTransitionTime"] = now }),
            ["containerStatuses"] = new JsonArray([.. ((JsonArray)pod["spec"]!["containers"]!).Select(container => new JsonObject
            {
                ["name"] = (string)container!["name"]!, ["ready"] = !task, ["restartCount"] = 0, ["image"] = (string)container["image"]!, ["imageID"] = "", ["started"] = true,
                ["state"] = new JsonObject { ["running"] = new JsonObject { ["startedAt"] = now } },
            })]),
        };
        await UntilTakenAsync(() => _api.PatchAsync(path + "/status", "merge", new JsonObject { ["status"] = status }.ToJsonString()));
    }

    /// <summary>Asks again, as a kubelet does, until the server has taken it or the pod is gone: nobody else would.</summary>
    private async Task UntilTakenAsync(Func<Task<ApiAnswer>> ask)
    {
        while ((await ask()).Code is not (200 or 404)) await Task.Delay(50, _stopping.Token);
    }
}
