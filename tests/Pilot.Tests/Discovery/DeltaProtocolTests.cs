using Envoy.Config.Endpoint.V3;
using Envoy.Service.Discovery.V3;
using Lateen.Api;
using Lateen.Pilot.Tests.Harness;
using Lateen.Pilot.Tests.Situations;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Discovery;

/// <summary>Delta xDS over the network: what a client is sent when it asks, when something changes, and when it comes back.</summary>
public sealed class DeltaProtocolTests
{
    private const string Reviews = "outbound|9080||reviews.default.svc.cluster.local";
    private const string Ratings = "outbound|9080||ratings.default.svc.cluster.local";

    [Fact]
    public async Task Subscribed_resources_come_at_once_and_again_when_they_change()
    {
        await using var pilot = await StartAsync();
        await using var client = new DeltaClient(pilot);
        await client.SubscribeAsync(TypeUrls.Endpoint, Reviews);
        Assert.Equal([Reviews], NamesOf(await client.TakeAsync(TypeUrls.Endpoint)));

        pilot.WriteObjects("more", Slice("reviews", "10.78.9.1"));
        var change = await client.TakeAsync(TypeUrls.Endpoint);
        Assert.Equal([Reviews], NamesOf(change));
        Assert.Contains("10.78.9.1", Addresses(change));
    }

    [Fact]
    public async Task Unsubscribed_resources_come_no_more()
    {
        await using var pilot = await StartAsync();
        await using var client = new DeltaClient(pilot);
        await client.SubscribeAsync(TypeUrls.Endpoint, Reviews, Ratings);
        Assert.Equal(2, (await client.TakeAsync(TypeUrls.Endpoint)).Resources.Count);
        await client.UnsubscribeAsync(TypeUrls.Endpoint, Reviews);
        await Eventually.TrueAsync(async () => ((await pilot.GetAsync("/debug/adsz"))["clients"]![0]!["watches"]![TypeUrls.Endpoint]!.AsArray().Count) == 1);

        pilot.WriteObjects("more", Slice("reviews", "10.78.9.1") + "\n---\n" + Slice("ratings", "10.78.9.2"));
        Assert.Equal([Ratings], NamesOf(await client.TakeAsync(TypeUrls.Endpoint)));
    }

    [Fact]
    public async Task A_service_that_goes_takes_its_clusters_along_by_name()
    {
        await using var pilot = await StartAsync();
        pilot.WriteObjects("extra", Service("extra"));
        await Eventually.TrueAsync(async () => (await pilot.GetTextAsync("/debug/registryz")).Contains("extra.default"));
        await using var client = new DeltaClient(pilot);
        await client.SubscribeAsync(TypeUrls.Cluster);
        Assert.Contains("outbound|8000||extra.default.svc.cluster.local", NamesOf(await client.TakeAsync(TypeUrls.Cluster)));

        pilot.WriteObjects("extra", "");
        var change = await client.TakeAsync(TypeUrls.Cluster);
        Assert.Empty(change.Resources);
        Assert.Equal(["outbound|8000||extra.default.svc.cluster.local"], change.RemovedResources);
    }

    [Fact]
    public async Task A_client_that_comes_back_gets_only_what_it_has_not()
    {
        await using var pilot = await StartAsync();
        pilot.WriteObjects("extra", Service("extra"));
        await Eventually.TrueAsync(async () => (await pilot.GetTextAsync("/debug/registryz")).Contains("extra.default"));
        Dictionary<string, string> has;
        await using (var client = new DeltaClient(pilot))
        {
            await client.SubscribeAsync(TypeUrls.Cluster);
            has = (await client.TakeAsync(TypeUrls.Cluster)).Resources.ToDictionary(r => r.Name, r => r.Version);
        }
        pilot.WriteObjects("extra", Service("other"));
        await Eventually.TrueAsync(async () => await pilot.GetTextAsync("/debug/registryz") is var text && text.Contains("other.default") && !text.Contains("extra.default"));

        await using var again = new DeltaClient(pilot);
        await again.SubscribeAsync(TypeUrls.Cluster, [], has);
        var answer = await again.TakeAsync(TypeUrls.Cluster);
        Assert.Equal(["outbound|8000||other.default.svc.cluster.local"], NamesOf(answer));
        Assert.Equal(["outbound|8000||extra.default.svc.cluster.local"], answer.RemovedResources);
    }

    [Fact]
    public async Task A_refusal_is_noted_and_the_next_change_still_comes()
    {
        await using var pilot = await StartAsync();
        await using var client = new DeltaClient(pilot);
        await client.SubscribeAsync(TypeUrls.Endpoint, Reviews);
        await client.RefuseAsync(await client.NextAsync(), "no such thing");
        await Eventually.TrueAsync(async () => (string?)(await pilot.GetAsync("/debug/syncz"))[0]!["endpoint_error"] == "no such thing");
        Assert.Equal(1, await pilot.MetricAsync("pilot_total_xds_rejects"));

        pilot.WriteObjects("more", Slice("reviews", "10.78.9.1"));
        Assert.Contains("10.78.9.1", Addresses(await client.TakeAsync(TypeUrls.Endpoint)));
        await Eventually.TrueAsync(async () => (await pilot.GetAsync("/debug/syncz"))[0]!["endpoint_error"] == null);
    }

    private static Task<RunningPilot> StartAsync() => RunningPilot.StartAsync(string.Join("\n---\n", BookinfoWorld.Documents()));

    private static string[] NamesOf(DeltaDiscoveryResponse response) => [.. response.Resources.Select(r => r.Name)];

    private static IEnumerable<string> Addresses(DeltaDiscoveryResponse response) => response.Resources
        .SelectMany(r => r.Resource_.Unpack<ClusterLoadAssignment>().Endpoints).SelectMany(l => l.LbEndpoints).Select(e => e.Endpoint.Address.SocketAddress.Address);

    private static string Slice(string service, string address) => $$"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: {{service}}-more, namespace: default, labels: {kubernetes.io/service-name: {{service}} } }
        addressType: IPv4
        ports: [{name: http, port: 9080, protocol: TCP}]
        endpoints: [{addresses: [{{address}}], conditions: {ready: true} }]
        """;

    private static string Service(string name) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{name}}, namespace: default}
        spec: {clusterIP: 10.96.77.1, ports: [{name: http, port: 8000}]}
        """;
}
