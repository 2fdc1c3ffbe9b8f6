using System.Collections.Concurrent;
using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Envoy.Type.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The external authorization filter with a gRPC service, through a running proxy.</summary>
public sealed class ExtAuthzGrpcTests
{
    private static readonly RpcMethod<CheckRequest, CheckResponse> Check = new(RpcKind.Unary, "envoy.service.auth.v3.Authorization", "Check");

    private static string Filter(string more = "") => $$"""
        - name: authz
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
            transport_api_version: V3
            grpc_service: {envoy_grpc: {cluster_name: authz}, timeout: 5s}
            {{more}}
        """;

    private static async Task<(RpcUpstream Service, ConcurrentQueue<CheckRequest> Asked)> ServiceAsync(Func<CheckRequest, CheckResponse> answer)
    {
        var asked = new ConcurrentQueue<CheckRequest>();
        return (await RpcUpstream.StartAsync(new RpcServiceTable().Unary(Check, (request, _) =>
        {
            asked.Enqueue(request);
            return Task.FromResult(answer(request));
        })), asked);
    }

    private static CheckResponse Ok(OkHttpResponse? ok = null) => new() { Status = new Google.Rpc.Status(), OkResponse = ok ?? new OkHttpResponse() };

    private static HeaderValueOption Header(string name, string value, bool append = false) => new()
    {
        Header = new HeaderValue { Key = name, Value = value },
#pragma warning disable CS0612 // The field that the service's answers are read by.
        Append = append,
#pragma warning restore CS0612
    };

    [Fact]
    public async Task The_service_learns_of_the_request_and_changes_it()
    {
        var (service, asked) = await ServiceAsync(_ => Ok(new OkHttpResponse
        {
            Headers = { Header("x-user", "ann"), Header("x-list", "b", append: true), Header("x-absent", "c", append: true) },
            HeadersToRemove = { "authorization", ":path" },
            ResponseHeadersToAdd = { new HeaderValueOption { Header = new HeaderValue { Key = "x-checked", Value = "yes" } } },
            QueryParametersToSet = { new QueryParameter { Key = "user", Value = "ann" } },
            QueryParametersToRemove = { "token" },
        }));
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter(), clusters: service.Cluster("authz"));
        var answer = await proxy.SendAsync("GET /a?token=1&b=2 HTTP/1.1\r\nHost: shop.test\r\nAuthorization: secret\r\nX-List: a\r\nX-Two: 1\r\nX-Two: 2\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Contains("x-checked: yes\r\n", answer);
        var told = Assert.Single(asked).Attributes;
        Assert.Equal(("GET", "/a?token=1&b=2", "shop.test", "http", "HTTP/1.1", -1), (told.Request.Http.Method, told.Request.Http.Path, told.Request.Http.Host, told.Request.Http.Scheme, told.Request.Http.Protocol, told.Request.Http.Size));
        Assert.Equal(("secret", "1,2", "/a?token=1&b=2"), (told.Request.Http.Headers["authorization"], told.Request.Http.Headers["x-two"], told.Request.Http.Headers[":path"]));
        Assert.Equal((uint)proxy.Port, told.Destination.Address.SocketAddress.PortValue);
        Assert.Equal("127.0.0.1", told.Source.Address.SocketAddress.Address);
        Assert.NotNull(told.Request.Time);
        Assert.StartsWith("GET /a?b=2&user=ann HTTP/1.1\r\n", proxy.Upstream.Received);
        Assert.Contains("x-user: ann\r\n", proxy.Upstream.Received);
        Assert.Contains("x-list: a\r\n", proxy.Upstream.Received);
        Assert.Contains("x-list: b\r\n", proxy.Upstream.Received);
        Assert.Contains("x-absent: c\r\n", proxy.Upstream.Received);
        Assert.DoesNotContain("authorization", proxy.Upstream.Received);
        Assert.Equal(1, await proxy.StatAsync("http.test.ext_authz.ok"));
        Assert.Equal(1, await proxy.StatAsync("cluster.app.ext_authz.ok"));
    }

    [Fact]
    public async Task A_denial_is_answered_in_the_services_words()
    {
        var (service, _) = await ServiceAsync(_ => new CheckResponse
        {
            Status = new Google.Rpc.Status { Code = 7 },
            DeniedResponse = new DeniedHttpResponse { Status = new HttpStatus { Code = StatusCode.PaymentRequired }, Body = "pay first", Headers = { Header("x-why", "debts") } },
            DynamicMetadata = new Struct { Fields = { ["who"] = Value.ForString("ann") } },
        });
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter("max_denied_response_body_bytes: 3"), clusters: service.Cluster("authz"));
        var answer = await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 402", answer);
        Assert.Contains("x-why: debts\r\n", answer);
        Assert.EndsWith("\r\n\r\npay", answer);
        Assert.Equal(0, proxy.Upstream.Heads);
        Assert.Equal(1, await proxy.StatAsync("cluster.app.upstream_rq_4xx"));
    }

    [Theory]
    [InlineData("", 403)]
    [InlineData("status_on_error: {code: BadGateway}", 502)]
    [InlineData("failure_mode_allow: true", 200)]
    public async Task Service_that_fails_denies_unless_it_may_fail(string more, int code)
    {
        await using var service = await RpcUpstream.StartAsync(new RpcServiceTable().Unary(Check, (_, _) => throw new RpcException(RpcStatusCode.Internal, "broken")));
        await using var proxy = TestProxy.Start(filters: Filter(more), clusters: service.Cluster("authz"));
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Equal(1, await proxy.StatAsync("http.test.ext_authz.error"));
    }

    [Theory]
    [InlineData("with_request_body: {max_request_bytes: 5}", 413, null, null)]
    [InlineData("with_request_body: {max_request_bytes: 5, allow_partial_message: true}", 200, "hello", "true")]
    [InlineData("with_request_body: {max_request_bytes: 50}", 200, "hello world", "false")]
    [InlineData("with_request_body: {max_request_bytes: 50, pack_as_bytes: true}", 200, "hello world", "false")]
    [InlineData("", 200, "", null)]
    public async Task The_body_goes_along_as_far_as_is_allowed(string more, int code, string? body, string? partial)
    {
        var (service, asked) = await ServiceAsync(_ => Ok());
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter(more), clusters: service.Cluster("authz"));
        var answer = await proxy.SendAsync("POST /after-body HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nConnection: close\r\n\r\nhello world");
        Assert.StartsWith($"HTTP/1.1 {code}", answer);
        if (body is null)
        {
            Assert.Empty(asked);
            return;
        }
        var http = Assert.Single(asked).Attributes.Request.Http;
        Assert.Equal(body, more.Contains("pack", StringComparison.Ordinal) ? http.RawBody.ToStringUtf8() : http.Body);
        Assert.Equal(partial, http.Headers.TryGetValue("x-envoy-auth-partial-body", out var told) ? told : null);
        // The upstream gets all of it in any case.
        Assert.EndsWith("\r\n\r\nhello world", proxy.Upstream.Received);
    }

    [Fact]
    public async Task Routes_say_more_and_less_to_the_service()
    {
        var (service, asked) = await ServiceAsync(_ => Ok());
        await using var running = service;
        await using var proxy = TestProxy.Start(
            """
            - match: {prefix: "/a"}
              route: {cluster: app}
              typed_per_filter_config:
                authz: {"@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, check_settings: {context_extensions: {place: shop}, disable_request_body_buffering: true} }
            - {match: {prefix: "/"}, route: {cluster: app} }
            """,
            Filter("with_request_body: {max_request_bytes: 50}\n    include_tls_session: true\n    allowed_headers: {patterns: [ {prefix: x-} ]}\n    encode_raw_headers: true"),
            clusters: service.Cluster("authz"));
        await proxy.SendAsync("POST /a HTTP/1.1\r\nHost: a\r\nX-Bytes: caf\u00e9\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        var told = Assert.Single(asked).Attributes;
        Assert.Equal("shop", told.ContextExtensions["place"]);
        Assert.Equal("", told.Request.Http.Body);
        Assert.Empty(told.Request.Http.Headers);
        Assert.Equal(Encoding.Latin1.GetBytes("caf\u00e9"), Assert.Single(told.Request.Http.HeaderMap.Headers, header => header.Key == "x-bytes").RawValue.ToByteArray());
        Assert.DoesNotContain(told.Request.Http.HeaderMap.Headers, header => !header.Key.StartsWith("x-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Answers_may_change_only_what_the_rules_allow()
    {
        var (service, _) = await ServiceAsync(_ => Ok(new OkHttpResponse { Headers = { Header("x-user", "ann"), Header(":authority", "other"), Header("x-envoy-max-retries", "9") } }));
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter("decoder_header_mutation_rules: {}"), clusters: service.Cluster("authz"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Contains("host: a\r\n", proxy.Upstream.Received);
        Assert.Contains("x-user: ann\r\n", proxy.Upstream.Received);
        Assert.DoesNotContain("x-envoy-max-retries", proxy.Upstream.Received);
    }
}
