using Istio.Mesh.V1Alpha1;
using Lateen.Config.Mesh;
using Lateen.Support;
using Xunit;

namespace Lateen.Config.Tests.Mesh;

public sealed class MeshConfigReaderTests
{
    [Fact]
    public void Nothing_gives_the_defaults() => Assert.Equal(MeshConfigReader.Default(), MeshConfigReader.Read("", "mesh").Config);

    [Fact]
    public void Given_fields_replace_and_the_proxy_configuration_is_merged()
    {
        var config = MeshConfigReader.Read(
            """
            accessLogFile: /dev/stdout
            connectTimeout: 1s
            outboundTrafficPolicy: { mode: REGISTRY_ONLY }
            defaultConfig:
              discoveryAddress: istio-pilot.istio-system.svc:15010
              proxyMetadata: { A: b }
            extensionProviders:
            - name: prometheus
              prometheus: {}
            - name: mine
              envoyFileAccessLog: { path: /tmp/x }
            """,
            "mesh").Config!;
        Assert.Equal("/dev/stdout", config.AccessLogFile);
        Assert.Equal(1, config.ConnectTimeout.Seconds);
        Assert.Equal(MeshConfig.Types.OutboundTrafficPolicy.Types.Mode.RegistryOnly, config.OutboundTrafficPolicy.Mode);
        Assert.Equal("istio-pilot.istio-system.svc:15010", config.DefaultConfig.DiscoveryAddress);
        Assert.Equal(15020, config.DefaultConfig.StatusPort);
        Assert.Equal(15001, config.ProxyListenPort);
        Assert.Equal(["prometheus", "stackdriver", "envoy", "mine"], config.ExtensionProviders.Select(provider => provider.Name));
    }

    [Fact]
    public void The_configuration_of_Istio_1_1_is_read()
    {
        var read = MeshConfigReader.Read(
            """
            disablePolicyChecks: true
            mixerCheckServer: istio-policy.istio-system.svc.cluster.local:9091
            sdsUdsPath: ""
            outboundTrafficPolicy: { mode: ALLOW_ANY }
            configSources: [{ address: istio-galley.istio-system.svc:9901 }]
            defaultConfig: { connectTimeout: 10s, configPath: /etc/istio/proxy, drainDuration: 45s, parentShutdownDuration: 1m0s, proxyAdminPort: 15000, concurrency: 2, controlPlaneAuthPolicy: NONE, tracing: { zipkin: { address: "zipkin.istio-system:9411" } } }
            """,
            "mesh");
        Assert.Empty(read.Errors);
        Assert.Empty(read.Warnings);
        Assert.Equal(2, read.Config!.DefaultConfig.Concurrency);
    }

    [Fact]
    public void A_refusal_names_the_field()
    {
        var read = MeshConfigReader.Read("{ proxyListenPort: 70000, defaultConfig: { discoveryAddress: nowhere } }", "mesh");
        Assert.Null(read.Config);
        Assert.Equal(["proxyListenPort", "defaultConfig.discoveryAddress"], read.Errors.Select(error => error.Path));
    }

    [Fact]
    public async Task A_bad_change_of_the_file_leaves_the_last_good_state()
    {
        using var folder = new TempFolder();
        var path = folder.PathOf("mesh");
        await File.WriteAllTextAsync(path, "accessLogFile: /one", TestContext.Current.CancellationToken);
        using var file = new MeshConfigFile(path);
        await File.WriteAllTextAsync(path, "accessLogFile: [", TestContext.Current.CancellationToken);
        file.Reload();
        Assert.Equal("/one", file.Config.Current.AccessLogFile);
        await File.WriteAllTextAsync(path, "accessLogFile: /two", TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => file.Config.Current.AccessLogFile == "/two");
    }
}
