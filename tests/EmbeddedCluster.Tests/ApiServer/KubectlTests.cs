using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.EmbeddedCluster.Tests.Controllers;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>The kubectl of PATH.</summary>
public sealed class KubectlOnPathTests(ClusterWithNode cluster) : KubectlTests(cluster)
{
    protected override Task<string> FindAsync() => Task.FromResult(Tools.Require("kubectl"));
}

/// <summary>Debian's kubectl, of the time of Istio 1.1's last users.</summary>
public sealed class Kubectl120Tests(ClusterWithNode cluster) : KubectlTests(cluster)
{
    protected override bool IsOld => true;

    protected override Task<string> FindAsync() => OtherKubectl.RequireDebiansAsync();
}

/// <summary>Today's kubectl.</summary>
public sealed class Kubectl135Tests(ClusterWithNode cluster) : KubectlTests(cluster)
{
    protected override Task<string> FindAsync() => OtherKubectl.RequireNewestAsync();
}

/// <summary>kubectl, as a user types it; each version is a class below.</summary>
public abstract class KubectlTests(ClusterWithNode cluster) : ControllerTests(cluster), IClassFixture<ClusterWithNode>, IDisposable
{
    private readonly TempFolder _home = new();

    /// <summary>Whether it lacks what came after 1.20.</summary>
    protected virtual bool IsOld => false;

    public void Dispose()
    {
        _home.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The program; skips the test when it is not to be had.</summary>
    protected abstract Task<string> FindAsync();

    [Theory]
    [InlineData("istio-1.30.3")]
    [InlineData("istio-1.1.17")]
    public async Task BookinfoOfEitherAgeIsAppliedRolledOutAndDeleted(string age)
    {
        var file = Corpora.Require(age, "samples", "bookinfo", "platform", "kube", "bookinfo.yaml");
        var applied = await KubectlAsync("apply", "-f", file);
        Assert.Contains("service/productpage created", applied, StringComparison.Ordinal);
        Assert.Contains("deployment \"productpage-v1\" successfully rolled out", await KubectlAsync("rollout", "status", "deployment/productpage-v1", "--timeout=120s"), StringComparison.Ordinal);
        Assert.Contains("condition met", await KubectlAsync("wait", "--for=condition=available", "deployment", "--all", "--timeout=120s"), StringComparison.Ordinal);
        var pods = await KubectlAsync("get", "pods", "-l", "app=reviews");
        Assert.Equal(3, pods.Split('\n').Count(line => line.Contains("1/1     Running", StringComparison.Ordinal)));
        Assert.DoesNotContain("created", await KubectlAsync("apply", "-f", file), StringComparison.Ordinal);
        var described = await KubectlAsync("describe", "deployment", "reviews-v1");
        Assert.Contains("1 desired | 1 updated | 1 total | 1 available | 0 unavailable", described, StringComparison.Ordinal);
        Assert.Contains("ScalingReplicaSet", described, StringComparison.Ordinal);
        await KubectlAsync("delete", "-f", file);
        await Eventually.TrueAsync(async () => (await PodsAsync()).Length == 0);
    }

    [Fact]
    public async Task TheEverydayCommandsWork()
    {
        await KubectlAsync("create", "deployment", "web", "--image=example.test/app:1", "--replicas=2", "--port=80");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=120s");
        Assert.Contains("service/web exposed", await KubectlAsync("expose", "deployment", "web", "--port=80", "--target-port=8080"), StringComparison.Ordinal);
        Assert.Contains("deployment.apps/web scaled", await KubectlAsync("scale", "deployment/web", "--replicas=3"), StringComparison.Ordinal);
        await KubectlAsync("label", "deployment", "web", "tier=front");
        await KubectlAsync("annotate", "deployment", "web", "note=hello");
        await KubectlAsync("set", "image", "deployment/web", "app=example.test/app:2");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=120s");
        Assert.Contains("2         <none>", await KubectlAsync("rollout", "history", "deployment/web"), StringComparison.Ordinal);
        await KubectlAsync("rollout", "undo", "deployment/web");
        await KubectlAsync("rollout", "restart", "deployment/web");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=120s");
        Assert.Equal("example.test/app:1", await KubectlAsync("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"));
        Assert.Equal("front hello", await KubectlAsync("get", "deployment", "web", "-o", "jsonpath={.metadata.labels.tier} {.metadata.annotations.note}"));
        await KubectlAsync("patch", "deployment", "web", "-p", """{"spec":{"replicas":1}}""");
        await KubectlAsync("create", "configmap", "settings", "--from-literal=a=b");
        await KubectlAsync("create", "secret", "generic", "hidden", "--from-literal=a=b");
        await KubectlAsync("create", "serviceaccount", "robot");
        if (!IsOld) Assert.Equal(3, (await KubectlAsync("create", "token", "robot")).Split('.').Length);
        Assert.Contains("NAME", await KubectlAsync("get", "all"), StringComparison.Ordinal);
        Assert.Contains("yes", await KubectlAsync("auth", "can-i", "create", "pods"), StringComparison.Ordinal);
        await KubectlAsync("delete", "deployment,service", "--all");
        // The old one takes it for a mistake when the last pod has gone already.
        if (IsOld) await Eventually.TrueAsync(async () => (await PodsAsync()).Length == 0);
        else await KubectlAsync("wait", "--for=delete", "pod", "--all", "--timeout=120s");
    }

    [Fact]
    public async Task ServerSideApplyAndDiffAgree()
    {
        var file = _home.Write("web.yaml", """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 1
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: "example.test/app:1"}]}
            """);
        Assert.Contains("deployment.apps/web serverside-applied", await KubectlAsync("apply", "--server-side", "-f", file), StringComparison.Ordinal);
        await KubectlAsync("scale", "deployment", "web", "--replicas=2");
        var conflict = await RunAsync("apply", "--server-side", "-f", file);
        Assert.Contains("conflict with", conflict.Output, StringComparison.Ordinal);
        Assert.Contains(".spec.replicas", conflict.Output, StringComparison.Ordinal);
        await KubectlAsync("apply", "--server-side", "--force-conflicts", "-f", file);
        Assert.Equal(0, (await RunAsync("diff", "-f", file)).ExitCode);
    }

    [Fact]
    public async Task BadYamlIsRefusedWithThePathOfTheField()
    {
        var unknown = await RunAsync("apply", "-f", _home.Write("unknown.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {prots: [], ports: [{port: 80}]}\n"));
        Assert.NotEqual(0, unknown.ExitCode);
        Assert.Contains("unknown field \"spec.prots\"", unknown.Output.Replace("unknown field \"prots\" in io.k8s.api.core.v1.ServiceSpec", "unknown field \"spec.prots\"", StringComparison.Ordinal), StringComparison.Ordinal);
        var wrong = await RunAsync("apply", "-f", _home.Write("wrong.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 99999}]}\n"));
        Assert.Contains("spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive", wrong.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItExplainsAndListsWhatIsServed()
    {
        Assert.Contains("FIELD", (await KubectlAsync("explain", "deployment.spec.strategy")).ToUpperInvariant(), StringComparison.Ordinal);
        Assert.Contains("rollingUpdate", await KubectlAsync("explain", "deployment.spec.strategy"), StringComparison.Ordinal);
        var resources = await KubectlAsync("api-resources");
        foreach (var plural in (string[])["pods", "deployments", "endpointslices", "customresourcedefinitions", "ingresses"]) Assert.Contains(plural, resources, StringComparison.Ordinal);
        Assert.Contains("apps/v1", await KubectlAsync("api-versions"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AWatchPrintsWhatHappens()
    {
        using var watch = LocalProcess.Start(await FindAsync(), ["-n", Space, "get", "configmaps", "-w"], Variables());
        await Eventually.TrueAsync(() => watch.Output.Contains("kube-root-ca.crt", StringComparison.Ordinal));
        await KubectlAsync("create", "configmap", "later");
        await Eventually.TrueAsync(() => watch.Output.Contains("later", StringComparison.Ordinal));
    }

    [Fact]
    public async Task IstiosOwnDefinitionsAndConfigurationAreApplied()
    {
        await KubectlAsync("apply", "-f", Corpora.Require("istio-1.30.3", "crds", "crd-all.gen.yaml"));
        await KubectlAsync("wait", "--for=condition=established", "crd", "--all", "--timeout=20s");
        var networking = Corpora.Require("istio-1.30.3", "samples", "bookinfo", "networking");
        foreach (var file in (string[])["bookinfo-gateway.yaml", "destination-rule-all.yaml", "virtual-service-all-v1.yaml", "virtual-service-reviews-50-v3.yaml", "virtual-service-ratings-test-delay.yaml"])
            await KubectlAsync("apply", "-f", Path.Combine(networking, file));
        var shown = await KubectlAsync("get", "vs,dr,gw");
        Assert.Contains("virtualservice.networking.istio.io/reviews", shown, StringComparison.Ordinal);
        Assert.Contains("""["bookinfo-gateway"]""", shown, StringComparison.Ordinal);
        await KubectlAsync("delete", "-f", Path.Combine(networking, "virtual-service-all-v1.yaml"));
        await KubectlAsync("delete", "crd", "--all");
    }

    private async Task<string> KubectlAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        Assert.True(run.ExitCode == 0, $"kubectl {string.Join(' ', arguments)}: {run.Output}");
        return run.Output.Trim();
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var process = await LocalProcess.RunAsync(await FindAsync(), ["-n", Space, .. arguments], TimeSpan.FromSeconds(150), Variables());
        return (process.ExitCode, process.Output);
    }

    private Dictionary<string, string?> Variables() => new() { ["KUBECONFIG"] = Cluster.Kubeconfig, ["HOME"] = _home.FullName, ["KUBECTL_EXTERNAL_DIFF"] = null };
}
