using System.Net;
using System.Net.Security;
using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;
using Envoy.Service.Discovery.V3;
using Lateen.Api;
using Lateen.Api.Services;
using Lateen.Pilot.Tests.Harness;
using Lateen.Pilot.Tests.Situations;
using Lateen.Rpc.Client;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Discovery;

/// <summary>Pilot from files: its pages, its metrics, and xDS over TLS.</summary>
public sealed class PilotServerTests
{
    [Fact]
    public async Task Debug_pages_tell_of_the_mesh_and_of_each_proxy()
    {
        await using var pilot = await RunningPilot.StartAsync(World(), """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: reviews, namespace: default}
            spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}
            """);
        await using var client = new DeltaClient(pilot);
        await client.SubscribeAsync(TypeUrls.Cluster);
        await client.TakeAsync(TypeUrls.Cluster);
        await client.SubscribeAsync(TypeUrls.Endpoint, "outbound|9080||reviews.default.svc.cluster.local");
        await client.TakeAsync(TypeUrls.Endpoint);

        Assert.Equal(["reviews"], (await pilot.GetAsync("/debug/configz")).AsArray().Select(o => (string)o!["metadata"]!["name"]!));
        Assert.Contains("reviews.default.svc.cluster.local", (await pilot.GetAsync("/debug/registryz")).AsArray().Select(s => (string)s!["hostname"]!));
        Assert.Contains("reviews.default.svc.cluster.local:http default 10.78.1.13:9080", await pilot.GetTextAsync("/debug/endpointz?brief"));
        Assert.Contains((await pilot.GetAsync("/debug/endpointz")).AsArray(), e => (string)e!["svc"]! == "reviews.default.svc.cluster.local:http" && e["ep"]!.AsArray().Count == 3);
        Assert.Equal(1, (int)(await pilot.GetAsync("/debug/adsz"))["totalClients"]!);
        var sync = (await pilot.GetAsync("/debug/syncz"))[0]!;
        Assert.Equal("productpage-v1-0.default", (string)sync["proxy"]!);
        _ = client.AcceptWhatComesAsync();
        await Eventually.TrueAsync(async () => (await pilot.GetAsync("/debug/syncz"))[0] is { } s && (string?)s["endpoint_sent"] == (string?)s["endpoint_acked"]);
        var dump = (await pilot.GetAsync("/debug/config_dump?proxyID=productpage-v1-0.default"))["configs"]!.AsArray();
        Assert.Contains(dump, c => ((string)c!["@type"]!).EndsWith("ClustersConfigDump", StringComparison.Ordinal) && c["dynamic_active_clusters"]!.AsArray().Count > 10);
        Assert.Single((await pilot.GetAsync("/debug/edsz?proxyID=productpage-v1-0.default")).AsArray());
        Assert.NotEmpty((await pilot.GetAsync("/debug/cdsz")).AsArray());
        Assert.Contains((await pilot.GetAsync("/debug/authenticationz?proxyID=productpage-v1-0.default")).AsArray(), a => (string)a!["TLS_conflict_status"]! == "OK");
        Assert.Equal(1, (int)(await pilot.GetAsync("/debug/push_status"))["virtual_services"]!);
    }

    [Fact]
    public async Task A_sidecar_at_a_loopback_address_that_captures_nothing_is_an_HTTP_proxy_and_nothing_else()
    {
        await using var pilot = await RunningPilot.StartAsync(World());
        await using var client = new DeltaClient(pilot, "sidecar~127.100.0.7~stranger.default~default.svc.cluster.local", interception: "NONE");
        await client.SubscribeAsync(TypeUrls.Listener);
        Assert.Equal(["127.100.0.7_15002"], (await client.TakeAsync(TypeUrls.Listener)).Resources.Select(r => r.Name));
        await client.SubscribeAsync(TypeUrls.Route, "http_proxy");
        var routes = RouteConfiguration.Parser.ParseFrom((await client.TakeAsync(TypeUrls.Route)).Resources.Single().Resource_.Value);
        // One listener for the ports of all services tells them apart by the host that was asked for.
        Assert.False(routes.IgnorePortInHostMatching);
        Assert.Contains(routes.VirtualHosts, host => host.Domains.Contains("reviews:9080"));
    }

    [Fact]
    public async Task Pages_of_a_proxy_that_is_not_there_say_so()
    {
        await using var pilot = await RunningPilot.StartAsync(World());
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{pilot.Addresses.Http.Port}") };
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/debug/config_dump", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/debug/config_dump?proxyID=nobody.default", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/ready", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task Metrics_have_the_names_of_Istios_dashboards()
    {
        await using var pilot = await RunningPilot.StartAsync(World());
        await using var client = new DeltaClient(pilot);
        await client.SubscribeAsync(TypeUrls.Cluster);
        await client.TakeAsync(TypeUrls.Cluster);
        Assert.Equal(1, await pilot.MetricAsync("pilot_xds"));
        Assert.Equal(1, await pilot.MetricAsync("pilot_xds_pushes", "cds"));
        Assert.True(await pilot.MetricAsync("pilot_services") >= 10);
        await client.SubscribeAsync(TypeUrls.Endpoint, "outbound|9080||reviews.default.svc.cluster.local");
        pilot.WriteObjects("objects", World().Replace("10.78.1.13", "10.78.1.93", StringComparison.Ordinal));
        await Eventually.TrueAsync(async () => await pilot.MetricAsync("pilot_proxy_convergence_time_count") >= 1);
    }

    [Fact]
    public async Task Xds_over_TLS_needs_no_files()
    {
        await using var pilot = await RunningPilot.StartAsync(World(), change: o => o with { SecureGrpcAddress = "127.0.0.1:0", RequiresSecureGrpc = true });
        string? subject = null;
        using var channel = RpcChannel.Create($"https://127.0.0.1:{pilot.Addresses.SecureGrpc!.Port}", new()
        {
            Tls = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    subject = certificate!.Subject;
                    return true;
                },
            },
        });
        await using var call = channel.OpenDuplex(AggregatedDiscovery.Stream, cancel: TestContext.Current.CancellationToken);
        await call.WriteAsync(new DiscoveryRequest { Node = new Node { Id = "sidecar~10.78.1.16~productpage-v1-0.default~default.svc.cluster.local" }, TypeUrl = TypeUrls.Cluster });
        await using var responses = call.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await responses.MoveNextAsync());
        Assert.NotEmpty(responses.Current.Resources);
        Assert.Equal("CN=pilot-discovery", subject);
    }

    [Fact]
    public async Task An_object_that_changes_between_files_stays_and_one_that_goes_is_gone()
    {
        await using var pilot = await RunningPilot.StartAsync(World());
        Assert.DoesNotContain("late.default", await pilot.GetTextAsync("/debug/registryz"));
        pilot.WriteObjects("late", "apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {clusterIP: 10.96.77.2, ports: [{name: http, port: 80}]}\n");
        await Eventually.TrueAsync(async () => (await pilot.GetTextAsync("/debug/registryz")).Contains("late.default"));
        pilot.WriteObjects("late", "kind: [broken");
        pilot.WriteObjects("later", "apiVersion: v1\nkind: Service\nmetadata: {name: later}\nspec: {clusterIP: 10.96.77.3, ports: [{name: http, port: 80}]}\n");
        await Eventually.TrueAsync(async () => (await pilot.GetTextAsync("/debug/registryz")).Contains("later.default"));
        Assert.Contains("late.default", await pilot.GetTextAsync("/debug/registryz"));
        pilot.WriteObjects("late", "");
        await Eventually.TrueAsync(async () => !(await pilot.GetTextAsync("/debug/registryz")).Contains("late.default"));
        pilot.Expect("what it said before stays");
    }

    private static string World() => string.Join("\n---\n", BookinfoWorld.Documents());
}
