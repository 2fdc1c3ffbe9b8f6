using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>A mistake in configuration is told to who applies it, and what was there before stays.</summary>
[Collection("mesh")]
public sealed class ValidationTests(MeshFixture mesh)
{
    [Theory]
    [InlineData("networking.istio.io/v1", "VirtualService", "{hosts: [ratings], http: [{route: [{destination: {host: ratings}, weight: -1}]}]}", "weight")]
    [InlineData("networking.istio.io/v1alpha3", "VirtualService", "{hosts: [ratings], http: [{route: [{destination: {host: ratings}}], redirect: {uri: /a}}]}", "redirect")]
    [InlineData("networking.istio.io/v1", "DestinationRule", "{host: ratings, subsets: [{name: '', labels: {version: v1}}]}", "subset")]
    [InlineData("networking.istio.io/v1", "Gateway", "{selector: {istio: ingressgateway}, servers: [{port: {number: 0, name: http, protocol: HTTP}, hosts: ['*']}]}", "port")]
    [InlineData("security.istio.io/v1", "AuthorizationPolicy", "{action: DENY, rules: []}", "rules")]
    public async Task AMistakeIsRefusedByItsField(string apiVersion, string kind, string spec, string field)
    {
        mesh.Require();
        using var folder = new TempFolder();
        var file = folder.PathOf("mistake.yaml");
        await File.WriteAllTextAsync(file, $"apiVersion: {apiVersion}\nkind: {kind}\nmetadata: {{name: mistake}}\nspec: {spec}\n", TestContext.Current.CancellationToken);
        using var apply = await mesh.TryKubectlAsync("apply", "-f", file);
        Assert.Equal(1, apply.ExitCode);
        Assert.Contains("admission webhook \"pilot.validation.istio.io\" denied the request: configuration is invalid: ", apply.Output);
        Assert.Contains(field, apply.Output[apply.Output.IndexOf("is invalid", StringComparison.Ordinal)..]);
        using var get = await mesh.TryKubectlAsync("get", kind, "mistake");
        Assert.Contains("NotFound", get.Output);
    }

    [Fact]
    public async Task IstioctlTellsItWithoutAMesh()
    {
        mesh.Require();
        using var folder = new TempFolder();
        var file = folder.PathOf("two.yaml");
        await File.WriteAllTextAsync(file, """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: late, namespace: shop}
            spec: {hosts: [b], http: [{timeout: soon, route: [{destination: {host: b}}]}]}
            ---
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: {name: fine}
            spec: {host: b}
            """, TestContext.Current.CancellationToken);
        using var text = await LocalProcess.RunAsync(MeshFixture.Program("istioctl"), ["validate", "-f", file], TimeSpan.FromSeconds(20));
        Assert.Equal(1, text.ExitCode);
        Assert.Contains("VirtualService/shop/late: spec.http[0].timeout: bad Duration", text.Output);
        using var json = await LocalProcess.RunAsync(MeshFixture.Program("istioctl"), ["validate", "-f", file, "-o", "json"], TimeSpan.FromSeconds(20));
        Assert.Equal([false, true], JsonNode.Parse(json.Output)!.AsArray().Select(verdict => (bool)verdict!["valid"]!));
    }

    [Fact]
    public async Task AMisspelledFieldIsRefusedByItsSchema()
    {
        mesh.Require();
        using var patch = await mesh.TryKubectlAsync("patch", "virtualservice", "bookinfo", "--type=merge", "-p", """{"spec":{"http":[{"rout":[{"destination":{"host":"productpage"}}]}]}}""");
        Assert.Equal(1, patch.ExitCode);
        using var folder = new TempFolder();
        var file = folder.PathOf("misspelled.yaml");
        await File.WriteAllTextAsync(file, "apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\nmetadata: {name: misspelled}\nspec: {hosts: [ratings], http: [{rout: []}]}\n", TestContext.Current.CancellationToken);
        using var apply = await mesh.TryKubectlAsync("apply", "-f", file);
        Assert.Equal(1, apply.ExitCode);
        Assert.Contains("unknown field \"spec.http[0].rout\"", apply.Output);
    }

    [Fact]
    public async Task ARefusedChangeLeavesWhatWasThere()
    {
        mesh.Require();
        var before = await mesh.KubectlAsync("get", "virtualservice", "bookinfo", "-o", "jsonpath={.spec}");
        using var patch = await mesh.TryKubectlAsync("patch", "virtualservice", "bookinfo", "--type=merge", "-p", """{"spec":{"http":[{"timeout":"soon","route":[{"destination":{"host":"productpage"}}]}]}}""");
        Assert.Equal(1, patch.ExitCode);
        Assert.Contains("timeout", patch.Output);
        Assert.Equal(before, await mesh.KubectlAsync("get", "virtualservice", "bookinfo", "-o", "jsonpath={.spec}"));
    }
}
