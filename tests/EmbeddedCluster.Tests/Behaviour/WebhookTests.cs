using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>A webhook of a test: answers each review by a function.</summary>
public sealed class TestWebhook : IAsyncDisposable
{
    private readonly TestCertificates _certificates = new();
    private readonly WebApplication _app;

    private TestWebhook(Func<JsonNode, JsonObject> answer)
    {
        var (certificate, key) = _certificates.Issue("localhost", "127.0.0.1");
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(X509Certificate2.CreateFromPem(certificate, key))));
        _app = builder.Build();
        _app.Run(async http =>
        {
            var review = (await JsonNode.ParseAsync(http.Request.Body))!;
            var response = answer(review["request"]!);
            response["uid"] = (string)review["request"]!["uid"]!;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(new JsonObject { ["apiVersion"] = (string)review["apiVersion"]!, ["kind"] = "AdmissionReview", ["response"] = response }.ToJsonString());
        });
    }

    public int Port { get; private set; }

    public string Authority => Convert.ToBase64String(Encoding.UTF8.GetBytes(_certificates.Authority.ExportCertificatePem()));

    public static async Task<TestWebhook> StartAsync(Func<JsonNode, JsonObject> answer)
    {
        var hook = new TestWebhook(answer);
        await hook._app.StartAsync();
        hook.Port = new Uri(hook._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        return hook;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificates.Dispose();
    }
}

/// <summary>Admission webhooks.</summary>
public abstract class WebhookTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    private const string Configurations = "/apis/admissionregistration.k8s.io/v1/";

    public override async ValueTask DisposeAsync()
    {
        await Api.DeleteAsync(Configurations + "mutatingwebhookconfigurations/" + Space);
        await Api.DeleteAsync(Configurations + "validatingwebhookconfigurations/" + Space);
        await base.DisposeAsync();
    }

    [Fact]
    public async Task AMutatingWebhookPatchesWhatIsStored()
    {
        JsonNode? seen = null;
        await using var hook = await TestWebhook.StartAsync(request =>
        {
            seen = request.DeepClone();
            return Patch("""[{"op":"add","path":"/data/added","value":"by webhook"}]""");
        });
        await RegisterAsync("mutating", hook);
        await Eventually.TrueAsync(async () =>
        {
            var made = await Api.PostAsync(Core("configmaps"), Json("""{"metadata":{"generateName":"a"},"data":{"key":"x"}}"""));
            return (string?)At(made.Body, "data", "added") == "by webhook";
        });
        Assert.Equal(("CREATE", "configmaps", "ConfigMap"), ((string?)seen!["operation"], (string?)At(seen, "resource", "resource"), (string?)At(seen, "object", "kind")));
        Assert.Equal(Space, (string?)seen["namespace"]);
        Assert.NotEmpty((string)At(seen, "userInfo", "username")!);
    }

    [Fact]
    public async Task AValidatingWebhookRefusesAndWarns()
    {
        await using var hook = await TestWebhook.StartAsync(request => (string?)At(request, "object", "data", "key") == "bad"
            ? new JsonObject { ["allowed"] = false, ["status"] = new JsonObject { ["message"] = "no such thing" } }
            : new JsonObject { ["allowed"] = true, ["warnings"] = new JsonArray("be careful") });
        await RegisterAsync("validating", hook);
        await Eventually.TrueAsync(async () => (await Api.PostAsync(Core("configmaps"), ConfigMap("probe", "bad"))).Code == 400 || (await Api.DeleteAsync(Core("configmaps", "probe"))).Code == 0);
        var refused = Expect(400, await Api.PostAsync(Core("configmaps"), ConfigMap("a", "bad")));
        Assert.Equal($"admission webhook \"{Space}.example.test\" denied the request: no such thing", refused.Message);
        Expect(404, await Api.GetAsync(Core("configmaps", "a")));
        var allowed = Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("b")));
        Assert.Contains(allowed.Warnings, warning => warning.Contains("be careful", StringComparison.Ordinal));
        Expect(400, await Api.PatchAsync(Core("configmaps", "b"), "merge", """{"data":{"key":"bad"}}"""));
    }

    [Theory]
    [InlineData("Ignore", 201)]
    [InlineData("Fail", 500)]
    public async Task TheFailurePolicySaysWhatADeadWebhookMeans(string policy, int code)
    {
        var hook = await TestWebhook.StartAsync(_ => new JsonObject { ["allowed"] = false });
        await RegisterAsync("validating", hook, policy: policy);
        await Eventually.TrueAsync(async () => (await Api.PostAsync(Core("configmaps") + "?dryRun=All", ConfigMap("probe"))).Code == 400);
        await hook.DisposeAsync();
        var answer = Expect(code, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        if (code == 500) Assert.Contains($"failed calling webhook \"{Space}.example.test\"", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SelectorsKeepAWebhookFromOtherObjects()
    {
        await using var hook = await TestWebhook.StartAsync(_ => new JsonObject { ["allowed"] = false });
        await RegisterAsync("validating", hook, objects: """{"matchLabels":{"checked":"yes"}}""");
        await Eventually.TrueAsync(async () => (await Api.PostAsync(Core("configmaps") + "?dryRun=All", ConfigMap("probe", labels: """{"checked":"yes"}"""))).Code == 400);
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        Expect(201, await Api.PostAsync("/api/v1/namespaces/default/configmaps", Json($$$$"""{"metadata":{"name":"{{{{Space}}}}","labels":{"checked":"yes"}}}""")));
        Expect(200, await Api.DeleteAsync($"/api/v1/namespaces/default/configmaps/{Space}"));
    }

    [Fact]
    public async Task AMutatedObjectIsStillValidated()
    {
        await using var hook = await TestWebhook.StartAsync(_ => Patch("""[{"op":"add","path":"/metadata/labels","value":{"a b":"c"}}]"""));
        await RegisterAsync("mutating", hook);
        await Eventually.TrueAsync(async () => (await Api.PostAsync(Core("configmaps") + "?dryRun=All", ConfigMap("a"))).Code == 422);
    }

    private static JsonObject Patch(string patch) => new()
    {
        ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(patch)),
    };

    private async Task RegisterAsync(string kind, TestWebhook hook, string policy = "Fail", string objects = "{}")
    {
        var name = kind == "mutating" ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration";
        Expect(201, await Api.PostAsync(Configurations + name.ToLowerInvariant() + "s", new JsonObject
        {
            ["apiVersion"] = "admissionregistration.k8s.io/v1", ["kind"] = name, ["metadata"] = new JsonObject { ["name"] = Space },
            ["webhooks"] = new JsonArray(new JsonObject
            {
                ["name"] = Space + ".example.test", ["sideEffects"] = "None", ["admissionReviewVersions"] = new JsonArray("v1"), ["failurePolicy"] = policy, ["timeoutSeconds"] = 5,
                ["clientConfig"] = new JsonObject { ["url"] = $"https://127.0.0.1:{hook.Port}/review", ["caBundle"] = hook.Authority },
                ["rules"] = new JsonArray(JsonNode.Parse("""{"operations":["CREATE","UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}""")),
                ["namespaceSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["kubernetes.io/metadata.name"] = Space } },
                ["objectSelector"] = JsonNode.Parse(objects),
            }),
        }));
    }
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedWebhookTests(EmbeddedClusterUnderTest cluster) : WebhookTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealWebhookTests(RealClusterUnderTest cluster) : WebhookTests(cluster);
