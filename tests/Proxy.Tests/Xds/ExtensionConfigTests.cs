using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Proxy.Xds;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Xds;

/// <summary>Filters whose configuration is discovered: from a file through a running proxy, and from the control plane's updates.</summary>
public sealed class ExtensionConfigTests
{
    private const string FaultType = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    private static string Discovered(string file, string more = "") => $$"""
        - name: fault
          config_discovery:
            config_source: {path_config_source: {path: "{{file}}"}, initial_fetch_timeout: 0.2s}
            type_urls: [{{FaultType}}]
            {{more}}
        """;

    private static string Fault(int status, string type = FaultType) => $$"""
        resources:
        - {"@type": {{TypeUrls.ExtensionConfig}}, name: fault, typed_config: {"@type": {{type}}, abort: {http_status: {{status}}, percentage: {numerator: 100} } } }
        """;

    [Fact]
    public async Task A_filter_is_what_the_file_says_and_changes_with_it()
    {
        using var folder = new TempFolder();
        var file = folder.Write("ecds.yaml", Fault(418));
        await using var proxy = TestProxy.Start(filters: Discovered(file));
        Assert.StartsWith("HTTP/1.1 418", await proxy.SendAsync(Get));
        folder.Write("ecds.yaml", Fault(503));
        await Eventually.TrueAsync(async () => (await proxy.SendAsync(Get)).StartsWith("HTTP/1.1 503", StringComparison.Ordinal));
        // A type that may not stand there changes nothing.
        folder.Write("ecds.yaml", Fault(504).Replace(FaultType, "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors", StringComparison.Ordinal).Replace("abort: {http_status: 504, percentage: {numerator: 100} }", "", StringComparison.Ordinal));
        folder.Write("other.yaml", "");
        for (var i = 0; i < 3; i++) Assert.StartsWith("HTTP/1.1 503", await proxy.SendAsync(Get));
    }

    [Theory]
    [InlineData("", 500)]
    [InlineData("default_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, abort: {http_status: 418, percentage: {numerator: 100} } }", 418)]
    public async Task Without_a_configuration_the_default_serves_when_the_wait_is_over(string more, int status)
    {
        using var folder = new TempFolder();
        await using var proxy = TestProxy.Start(filters: Discovered(folder.PathOf("absent.yaml"), more));
        await Eventually.TrueAsync(async () => (await proxy.SendAsync(Get)).StartsWith($"HTTP/1.1 {status}", StringComparison.Ordinal));
    }

    private static Envoy.Config.Listener.V3.Listener Listener(string discovery) => AnyRegistry.Parse<Envoy.Config.Listener.V3.Listener>($$$"""
        {"name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}}, "filter_chains": [{"filters": [{"name": "http", "typed_config": {
          "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "t", "route_config": {},
          "http_filters": [{"name": "fault", "config_discovery": {"config_source": {"ads": {}}, "type_urls": ["{{{FaultType}}}"]{{{discovery}}} } },
            {"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}] } }] }] }
        """);

    private static ResourceUpdate Update(IMessage message) => new([new ReceivedResource("", "1", Any.Pack(message))], [], false);

    [Fact]
    public void A_listener_waits_for_the_configuration_that_it_asks_the_control_plane_for()
    {
        var state = new ResourceState(new ProxyContext(new StatsStore(1), new LogOptions { Targets = ["stderr"] }.CreateFactory()), _ => { });
        var kind = Assert.Single(state.Kinds, kind => kind.TypeUrl == TypeUrls.ExtensionConfig);
        Assert.Empty(kind.Names!());
        Assert.Empty(state.ApplyListeners(Update(Listener(""))));
        Assert.Equal(["fault"], kind.Names!());
        Assert.False(state.IsSettled);
        var fault = new Envoy.Extensions.Filters.Http.Fault.V3.HTTPFault();
        var wrong = Assert.Single(kind.Apply(Update(new TypedExtensionConfig { Name = "fault", TypedConfig = Any.Pack(new Envoy.Extensions.Filters.Http.Cors.V3.Cors()) })));
        Assert.Contains("none of the types that fault may have", wrong.Problem);
        Assert.False(state.IsSettled);
        Assert.Empty(kind.Apply(Update(new TypedExtensionConfig { Name = "fault", TypedConfig = Any.Pack(fault) })));
        Assert.True(state.IsSettled);
    }

    [Fact]
    public void A_listener_that_may_serve_its_default_does_not_wait()
    {
        var state = new ResourceState(new ProxyContext(new StatsStore(1), new LogOptions { Targets = ["stderr"] }.CreateFactory()), _ => { });
        Assert.Empty(state.ApplyListeners(Update(Listener($$""", "default_config": {"@type": "{{FaultType}}"}, "apply_default_config_without_warming": true"""))));
        Assert.True(state.IsSettled);
        var refused = Assert.Single(state.ApplyListeners(Update(Listener(", \"apply_default_config_without_warming\": true"))));
        Assert.Contains("filter_chains[0].filters[0].typed_config.http_filters[0].config_discovery.default_config", refused.Problem);
    }
}
