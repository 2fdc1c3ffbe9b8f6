using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>A deployment of httpbin whose sidecar runs a stock Envoy, as the annotation of its pods asks; for the tests of one class.</summary>
public sealed class EnvoyPod(MeshFixture mesh) : IAsyncLifetime
{
    /// <summary>Name of the deployment and of its service.</summary>
    public const string App = "httpbin-behind-envoy";

    private readonly TempFolder _folder = new();
    private string? _file;

    /// <summary>Skips the test where there is no mesh or no Envoy.</summary>
    public void Require()
    {
        mesh.Require();
        Assert.SkipWhen(_file is null, "envoy is not on this machine");
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (!mesh.IsThere || Tools.Find("envoy") is not { } envoy) return;
        _file = _folder.Write("envoy.yaml", $$"""
            apiVersion: v1
            kind: Service
            metadata: {name: {{App}} }
            spec: {selector: {app: {{App}} }, ports: [{name: http, port: 8000, targetPort: 8080}]}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: {{App}} }
            spec:
              selector: {matchLabels: {app: {{App}} } }
              template:
                metadata:
                  labels: {app: {{App}} }
                  annotations: {proxy.istio.io/config: "binaryPath: {{envoy}}" }
                spec: {containers: [{name: app, image: mccutchen/go-httpbin, ports: [{containerPort: 8080}]}]}
            """);
        await mesh.KubectlAsync("apply", "-f", _file);
        await mesh.KubectlAsync("rollout", "status", $"deployment/{App}", "--timeout=50s");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_file is not null) (await mesh.TryKubectlAsync("delete", "--ignore-not-found", "-f", _file)).Dispose();
        _folder.Dispose();
    }
}
