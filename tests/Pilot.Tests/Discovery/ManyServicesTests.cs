using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Lateen.Api;
using Lateen.Api.Services;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Tests.Harness;
using Lateen.Rpc.Client;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Discovery;

/// <summary>A mesh of some hundred services: responses of many blocks are whole, and an edit sends what it changed.</summary>
public sealed class ManyServicesTests
{
    private const int Count = 400;
    private const string NodeId = "sidecar~10.78.1.16~productpage-v1-0.default~default.svc.cluster.local";

    [Fact]
    public async Task Responses_longer_than_any_buffer_arrive_as_they_were_made()
    {
        var config = Config("v0");
        await using var pilot = await RunningPilot.StartAsync("", config);
        var expected = new FakeMesh("{}").Apply(config).For(ProxyNode.Parse(new Node { Id = NodeId, UserAgentName = "envoy" }, out _)!);
        await using var proxy = new DeltaClient(pilot, NodeId);
        await proxy.SubscribeAsync(TypeUrls.Cluster);
        var clusters = await proxy.TakeAsync(TypeUrls.Cluster);
        Assert.Equal(
            Generator.Clusters(expected).All.Select(r => (r.Name, r.Version, r.Any)).OrderBy(r => r.Name, StringComparer.Ordinal),
            clusters.Resources.Select(r => (r.Name, r.Version, r.Resource_.ToByteString())).OrderBy(r => r.Name, StringComparer.Ordinal));
        Assert.True(clusters.CalculateSize() > 150_000);

        // The same by the other protocol: one resource far longer than a block.
        using var channel = RpcChannel.Create(pilot.XdsTarget);
        await using var call = channel.OpenDuplex(AggregatedDiscovery.Stream, cancel: TestContext.Current.CancellationToken);
        await call.WriteAsync(new DiscoveryRequest { Node = new Node { Id = NodeId, UserAgentName = "envoy" }, TypeUrl = TypeUrls.Route, ResourceNames = { "80" } });
        await using var responses = call.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await responses.MoveNextAsync());
        var routes = Generator.Route(expected, "80");
        Assert.True(routes.Size > 150_000);
        Assert.Equal((TypeUrls.Route, routes.Any), (responses.Current.TypeUrl, Assert.Single(responses.Current.Resources).ToByteString()));
        Assert.NotEmpty(responses.Current.Nonce);
    }

    [Fact]
    public async Task An_edit_of_one_route_sends_that_route_configuration_and_nothing_else()
    {
        await using var pilot = await RunningPilot.StartAsync("", Config("v0"));
        await using var proxy = new DeltaClient(pilot, NodeId);
        foreach (var (type, names) in new[] { (TypeUrls.Cluster, Array.Empty<string>()), (TypeUrls.Endpoint, [.. Enumerable.Range(0, Count).Select(i => $"outbound|80||svc{i}.default.svc.cluster.local")]), (TypeUrls.Listener, []), (TypeUrls.Route, ["80"]) })
        {
            await proxy.SubscribeAsync(type, names);
            await proxy.TakeAsync(type);
        }
        pilot.WriteConfig("config", Config("v0", edited: 7));
        var response = await proxy.TakeAsync(TypeUrls.Route);
        Assert.Contains("edited", Encoding.UTF8.GetString(Assert.Single(response.Resources).ToByteArray()));
        // What comes next is of the next change: nothing else was sent for the first.
        pilot.WriteConfig("config", Config("v0"));
        Assert.DoesNotContain("edited", Encoding.UTF8.GetString(Assert.Single((await proxy.TakeAsync(TypeUrls.Route)).Resources).ToByteArray()));
    }

    private static string Config(string header, int edited = -1) => string.Join("\n---\n", Enumerable.Range(0, Count).Select(i => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: s{{i}}, namespace: default}
        spec: {hosts: [svc{{i}}.default.svc.cluster.local], addresses: [10.{{20 + (i / 250)}}.{{i % 250}}.1], location: MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 10.99.{{i / 250}}.{{1 + (i % 250)}} }]}
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: s{{i}}, namespace: default}
        spec: {hosts: [svc{{i}}.default.svc.cluster.local], http: [{match: [{headers: {x: {exact: "{{(i == edited ? "edited" : header)}}" } } }], route: [{destination: {host: svc{{i}}.default.svc.cluster.local} }]}, {route: [{destination: {host: svc{{i}}.default.svc.cluster.local} }]}]}
        """));
}
