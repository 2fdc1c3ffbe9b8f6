using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>A mistake in configuration is told to who applies it, and what was there before stays.</summary>
[Collection("mesh")]
public sealed class ValidationTests(MeshFixture mesh)
{
    [Theory]
    [InlineData("networking.istio.io/v1", "VirtualService", "{hosts: [ratings], http: [{route: [{destination: {host: ratings}, weight: -1}]}]}", "weight")]
    [InlineData("networking.istio.io/v1alpha3", "VirtualService", "{hosts: [ratings], http: [{rout: [{destination: {host: ratings}}]}]}", "rout")]
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
