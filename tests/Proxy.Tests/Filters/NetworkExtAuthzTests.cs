using System.Collections.Concurrent;
using Envoy.Service.Auth.V3;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The network filter that asks an authorisation service, in front of TCP and of HTTP.</summary>
public sealed class NetworkExtAuthzTests
{
    private static readonly RpcMethod<CheckRequest, CheckResponse> Check = new(RpcKind.Unary, "envoy.service.auth.v3.Authorization", "Check");

    private static string Filter(string more = "") => $$"""
        - name: authz
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.ext_authz.v3.ExtAuthz
            stat_prefix: tcp.
            transport_api_version: V3
            grpc_service: {envoy_grpc: {cluster_name: authz}, timeout: 5s}
            {{more}}
        """;

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 7)]
    [InlineData(false, 0)]
    [InlineData(false, 7)]
    public async Task The_services_answer_decides(bool tcp, int code)
    {
        var asked = new ConcurrentQueue<CheckRequest>();
        await using var service = await RpcUpstream.StartAsync(new RpcServiceTable().Unary(Check, (request, _) =>
        {
            asked.Enqueue(request);
            return Task.FromResult(new CheckResponse { Status = new Google.Rpc.Status { Code = code } });
        }));
        await using var proxy = TestProxy.Start(before: Filter(), tcp: tcp, clusters: service.Cluster("authz"));
        var answer = await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n", quietMs: 3000);
        var told = Assert.Single(asked).Attributes;
        Assert.Equal(("127.0.0.1", (uint)proxy.Port), (told.Source.Address.SocketAddress.Address, told.Destination.Address.SocketAddress.PortValue));
        if (code == 0) Assert.StartsWith("HTTP/1.1 200", answer);
        else Assert.Equal(("", ""), (answer, proxy.Upstream.Received));
        Assert.Equal(1, await proxy.StatAsync(code == 0 ? "ext_authz.tcp.ok" : "ext_authz.tcp.denied"));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("failure_mode_allow: true", true)]
    [InlineData("filter_enabled_metadata: {filter: none, path: [ {key: a} ], value: {present_match: true} }", true)]
    public async Task A_service_that_is_away_denies_unless_it_may_be_away(string more, bool passes)
    {
        await using var service = await RpcUpstream.StartAsync(new RpcServiceTable());
        await using var proxy = TestProxy.Start(before: Filter(more), clusters: service.Cluster("authz"));
        Assert.Equal(passes, (await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal));
    }
}
