using System.Collections.Concurrent;
using Envoy.Config.Core.V3;
using Envoy.Service.Ratelimit.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The filter that asks a rate limit service, through a running proxy.</summary>
public sealed class RateLimitTests
{
    private static readonly RpcMethod<RateLimitRequest, RateLimitResponse> Method = new(RpcKind.Unary, "envoy.service.ratelimit.v3.RateLimitService", "ShouldRateLimit");

    private static string Filter(string more = "") => $$"""
        - name: limit
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
            domain: shop
            timeout: 5s
            rate_limit_service: {transport_api_version: V3, grpc_service: {envoy_grpc: {cluster_name: limits} } }
            {{more}}
        """;

    private const string ByPath = "- {match: {prefix: \"/\"}, route: {cluster: app, rate_limits: [ {actions: [ {request_headers: {header_name: \":path\", descriptor_key: PATH} } ] } ] } }";

    private static async Task<(RpcUpstream Service, ConcurrentQueue<RateLimitRequest> Asked)> ServiceAsync(Func<RateLimitRequest, RateLimitResponse> answer)
    {
        var asked = new ConcurrentQueue<RateLimitRequest>();
        return (await RpcUpstream.StartAsync(new RpcServiceTable().Unary(Method, (request, _) =>
        {
            asked.Enqueue(request);
            return Task.FromResult(answer(request));
        })), asked);
    }

    private static RateLimitResponse Over() => new() { OverallCode = RateLimitResponse.Types.Code.OverLimit };

    private static RateLimitResponse Ok() => new() { OverallCode = RateLimitResponse.Types.Code.Ok };

    [Fact]
    public async Task Requests_over_a_limit_are_refused_and_others_pass()
    {
        var (service, asked) = await ServiceAsync(request => request.Descriptors[0].Entries[0].Value == "/much" ? Over() : Ok());
        await using var running = service;
        await using var proxy = TestProxy.Start(ByPath, Filter(), clusters: service.Cluster("limits"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /few HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        var answer = await proxy.SendAsync("GET /much HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 429", answer);
        Assert.Contains("x-envoy-ratelimited: true\r\n", answer);
        Assert.Equal(1, proxy.Upstream.Heads);
        Assert.Equal(("shop", "PATH"), (asked.First().Domain, asked.First().Descriptors[0].Entries[0].Key));
        Assert.Equal(1, await proxy.StatAsync("cluster.app.ratelimit.ok"));
        Assert.Equal(1, await proxy.StatAsync("cluster.app.ratelimit.over_limit"));
    }

    [Fact]
    public async Task Every_action_describes_the_request()
    {
        var (service, asked) = await ServiceAsync(_ => Ok());
        await using var running = service;
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/"}
              metadata: {filter_metadata: {shop: {kind: books} } }
              route:
                cluster: app
                rate_limits:
                - actions: [ {source_cluster: {} }, {destination_cluster: {} }, {remote_address: {} }, {masked_remote_address: {v4_prefix_mask_len: 8} }, {generic_key: {descriptor_value: all} } ]
                  hits_addend: {number: 3}
                - actions:
                  - {header_value_match: {descriptor_value: "of-%REQ(x-user)%", headers: [ {name: x-user} ] } }
                  - {query_parameters: {query_parameter_name: q, descriptor_key: query} }
                  - {query_parameter_value_match: {descriptor_value: some, query_parameters: [ {name: q, string_match: {exact: "1"} } ] } }
                  - {metadata: {descriptor_key: kind, metadata_key: {key: shop, path: [ {key: kind} ] }, source: ROUTE_ENTRY} }
                  - {metadata: {descriptor_key: none, metadata_key: {key: shop, path: [ {key: other} ] }, default_value: nothing} }
                - {actions: [ {request_headers: {header_name: x-absent, descriptor_key: k} } ] }
                - {actions: [ {request_headers: {header_name: x-absent, descriptor_key: k, skip_if_absent: true} }, {generic_key: {descriptor_key: own, descriptor_value: v} } ] }
                - {stage: 1, actions: [ {generic_key: {descriptor_value: later} } ] }
            """,
            Filter(), clusters: service.Cluster("limits"));
        await proxy.SendAsync("GET /?q=1 HTTP/1.1\r\nHost: a\r\nX-User: ann\r\nConnection: close\r\n\r\n");
        var described = Assert.Single(asked).Descriptors.Select(descriptor => string.Join(' ', descriptor.Entries.Select(entry => $"{entry.Key}={entry.Value}")));
        Assert.Equal(
            [
                "source_cluster=test destination_cluster=app remote_address=127.0.0.1 masked_remote_address=127.0.0.0/8 generic_key=all",
                "header_match=of-ann query=1 query_match=some kind=books none=nothing",
                "own=v",
            ],
            described);
        Assert.Equal(3UL, asked.First().Descriptors[0].HitsAddend);
    }

    [Fact]
    public async Task The_answer_is_passed_on_as_it_says()
    {
        var (service, _) = await ServiceAsync(_ => new RateLimitResponse
        {
            OverallCode = RateLimitResponse.Types.Code.OverLimit,
            RawBody = ByteString.CopyFromUtf8("slow down"),
            ResponseHeadersToAdd = { new HeaderValue { Key = "x-limit", Value = "yes" } },
            Statuses =
            {
                Status("a", 10, RateLimitResponse.Types.RateLimit.Types.Unit.Minute, 5), Status("", 3, RateLimitResponse.Types.RateLimit.Types.Unit.Second, 0),
            },
        });
        await using var running = service;
        await using var proxy = TestProxy.Start(
            ByPath, Filter("enable_x_ratelimit_headers: DRAFT_VERSION_03\n    rate_limited_status: {code: ServiceUnavailable}\n    disable_x_envoy_ratelimited_header: true"), clusters: service.Cluster("limits"));
        var answer = await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 503", answer);
        Assert.EndsWith("\r\n\r\nslow down", answer);
        Assert.Contains("x-limit: yes\r\n", answer);
        Assert.Contains("x-ratelimit-limit: 3, 10;w=60;name=\"a\", 3;w=1\r\n", answer);
        Assert.Contains("x-ratelimit-remaining: 0\r\n", answer);
        Assert.Contains("x-ratelimit-reset: 7\r\n", answer);
        Assert.DoesNotContain("x-envoy-ratelimited", answer);
    }

    private static RateLimitResponse.Types.DescriptorStatus Status(string name, uint requests, RateLimitResponse.Types.RateLimit.Types.Unit unit, uint left) => new()
    {
        CurrentLimit = new RateLimitResponse.Types.RateLimit { Name = name, RequestsPerUnit = requests, Unit = unit },
        LimitRemaining = left,
        DurationUntilReset = Duration.FromTimeSpan(TimeSpan.FromSeconds(7)),
    };

    [Theory]
    [InlineData("", 200)]
    [InlineData("failure_mode_deny: true", 500)]
    [InlineData("failure_mode_deny: true\n    status_on_error: {code: BadGateway}", 502)]
    public async Task A_service_that_fails_lets_through_unless_it_may_not_fail(string more, int code)
    {
        await using var service = await RpcUpstream.StartAsync(new RpcServiceTable());
        await using var proxy = TestProxy.Start(ByPath, Filter(more), clusters: service.Cluster("limits"));
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Equal(1, await proxy.StatAsync("cluster.app.ratelimit.error"));
    }

    [Theory]
    [InlineData("- {match: {prefix: \"/\"}, route: {cluster: app} }", "host")]
    [InlineData(ByPath, "/")]
    [InlineData("- {match: {prefix: \"/\"}, route: {cluster: app, include_vh_rate_limits: true, rate_limits: [ {actions: [ {generic_key: {descriptor_value: own} } ] } ] } }", "own host")]
    [InlineData("- {match: {prefix: \"/\"}, route: {cluster: app}, typed_per_filter_config: {limit: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute, vh_rate_limits: IGNORE} } }", "")]
    [InlineData("- {match: {prefix: \"/\"}, route: {cluster: app}, typed_per_filter_config: {limit: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute, rate_limits: [ {actions: [ {generic_key: {descriptor_value: mine} } ] } ]} } }", "mine")]
    public async Task Limits_of_the_virtual_host_count_as_the_route_says(string route, string expected)
    {
        var (service, asked) = await ServiceAsync(_ => Ok());
        await using var running = service;
        await using var proxy = TestProxy.Start(route, Filter(), clusters: service.Cluster("limits"), host: "rate_limits: [ {actions: [ {generic_key: {descriptor_value: host} } ] } ]");
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Equal(expected, string.Join(' ', asked.SelectMany(request => request.Descriptors).Select(descriptor => descriptor.Entries[0].Value)));
    }
}
