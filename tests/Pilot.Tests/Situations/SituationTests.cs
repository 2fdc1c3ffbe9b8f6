using System.Text.RegularExpressions;
using Lateen.Pilot.Tests.Harness;

namespace Lateen.Pilot.Tests.Situations;

/// <summary>
/// What istiod 1.30.3 sent to sidecars and gateways in recorded situations, compared field by field with ours. TLS and tracing
/// without a provider are left out of both (see <see cref="Normal"/>); every other difference is in the list below, with its reason.
/// </summary>
public sealed class SituationTests
{
    private static readonly (string Situation, string Difference, string Reason)[] Accepted =
    [
        ("mesh-settings", @"retry_on: "",retriable-status-codes"" → ""retriable-status-codes""", "istiod leaves an empty condition before the comma"),
        ("mesh-settings", @"filter_chains\[\d\].filters\[\d\].typed_config.stat_prefix: ""in_"" →", "istiod fills the name for statistics with no service at all; ours says where the connection goes"),
        ("service-entries", @"static.example.endpoints\[0\].load_balancing_weight: 4 → 2", "istiod counts endpoints once for each address of the entry"),
        ("sidecar-explicit", @"decorator.operation: ""productpage.default:9080", "a name for traces: ours is the service's, as without Sidecar"),
        ("sidecar-explicit", @"inbound\|9080\|\|.upstream_bind_config", "a socket of the application has no source address"),
        ("sidecar-explicit", @"cluster outbound\|9001\|\|tcp-echo.*missing", "the listener imports port 9000; istiod makes a cluster of 9001 that nothing leads to"),
        ("gateway-two-hosts", @"(listener 0.0.0.0_8443|route https.443.*): missing", "ending TLS needs certificates: a later issue"),
        ("gateway-tls-passthrough", @"listener 0.0.0.0_31400: missing", "ending TLS needs certificates: a later issue"),
        ("gateway-tls-passthrough", @"endpoints outbound_\.", "no endpoint of a mesh in plain text may be reached by SNI alone"),
    ];

    private static readonly Dictionary<string, string> Localities = new()
    {
        ["productpage-v1-0"] = "region1.zone1", ["ratings-v1-0"] = "region1.zone1", ["reviews-v1-0"] = "region1.zone1",
        ["reviews-v2-0"] = "region1.zone2", ["reviews-v3-0"] = "region2.zone1", ["details-v1-0"] = "region2.zone2",
    };

    [Theory]
    [InlineData("bookinfo-none")]
    [InlineData("bookinfo-bare")]
    [InlineData("bookinfo-all-v1")]
    [InlineData("bookinfo-destination-rule-all")]
    [InlineData("bookinfo-ratings-abort")]
    [InlineData("bookinfo-ratings-delay")]
    [InlineData("bookinfo-reviews-50-v3")]
    [InlineData("bookinfo-reviews-test-v2")]
    [InlineData("http-everything")]
    [InlineData("access-log-json-mesh")]
    [InlineData("authz-empty")]
    [InlineData("authz-fields")]
    [InlineData("authz-tcp")]
    [InlineData("connection-pools")]
    [InlineData("cors")]
    [InlineData("delegate")]
    [InlineData("egress-gateway")]
    [InlineData("export-to")]
    [InlineData("ext-authz-custom")]
    [InlineData("external-name")]
    [InlineData("external-name-entry")]
    [InlineData("gateway-tls-passthrough")]
    [InlineData("gateway-two-hosts")]
    [InlineData("grpc")]
    [InlineData("headless")]
    [InlineData("jwt-authz")]
    [InlineData("load-balancers")]
    [InlineData("locality-default")]
    [InlineData("locality-distribute")]
    [InlineData("locality-failover")]
    [InlineData("mesh-settings")]
    [InlineData("mirror")]
    [InlineData("mtls-auto-off")]
    [InlineData("mtls-disable")]
    [InlineData("proxy-gateway-extras")]
    [InlineData("registry-only")]
    [InlineData("service-entries")]
    [InlineData("sidecar-egress")]
    [InlineData("sidecar-explicit")]
    [InlineData("tcp-echo")]
    [InlineData("telemetry-access-log")]
    [InlineData("telemetry-access-log-otel")]
    [InlineData("tracing-opentelemetry")]
    [InlineData("tracing-zipkin")]
    [InlineData("unnamed-ports")]
    public void Proxies_get_what_istiod_sends(string situation)
    {
        List<string> unexpected = [];
        var compared = 0;
        foreach (var proxy in new[] { "sidecar", "sidecar-reviews", "gateway", "gateway-egress" })
        {
            if (Recording.Load(situation, proxy) is not { } recording) continue;
            compared++;
            var mesh = BookinfoWorld.Create(situation.StartsWith("locality-") ? Localities : null);
            // The file was written without quotes around a text that YAML reads as false.
            mesh.Apply(recording.Config.Replace("exact: n\n", "exact: 'n'\n"));
            Assert.Empty(mesh.Refused);
            foreach (var difference in Comparison.Differences(recording.Dump, new Resources(mesh.For(recording.Node))))
                if (!Accepted.Any(a => a.Situation == situation && Regex.IsMatch($"{proxy}: {difference}", a.Difference))) unexpected.Add($"{proxy}: {difference}");
        }
        Assert.True(compared > 0);
        Assert.True(unexpected.Count == 0, string.Join("\n", unexpected));
    }
}
