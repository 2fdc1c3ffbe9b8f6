using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>TLS with clients, through real sockets and .NET's own TLS on the other side.</summary>
public sealed class DownstreamTlsTests
{
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Requests_over_tls_are_served_and_counted(SslProtocols version)
    {
        var setup = new TlsSetup();
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ]")));
        await using var stream = await proxy.ConnectAsync(protocols: version);
        for (var i = 0; i < 20; i++) Assert.StartsWith("HTTP/1.1 200 ", await TlsProxy.AskAsync(stream, $"/{i}"));
        Assert.Equal(20, proxy.Upstream.Heads);
        Assert.Contains("x-forwarded-proto: https\r\n", proxy.Upstream.Received);
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + "ssl.handshake"));
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + (version == SslProtocols.Tls13 ? "ssl.versions.TLSv1.3" : "ssl.versions.TLSv1.2")));
    }

    [Fact]
    public async Task Large_bodies_pass_both_ways()
    {
        var setup = new TlsSetup();
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ]")));
        await using var stream = await proxy.ConnectAsync();
        var body = new byte[3_000_000];
        Random.Shared.NextBytes(body);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /after-body HTTP/1.1\r\nhost: a\r\ncontent-length: {body.Length}\r\n\r\n"), TestContext.Current.CancellationToken);
        await stream.WriteAsync(body, TestContext.Current.CancellationToken);
        var answer = new byte[4096];
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(answer, 0, await stream.ReadAsync(answer, TestContext.Current.CancellationToken)));
        await Eventually.TrueAsync(() => proxy.Upstream.Received.Length > body.Length);
        Assert.EndsWith(Encoding.Latin1.GetString(body[^1000..]), proxy.Upstream.Received);
    }

    [Fact]
    public async Task A_required_client_certificate_is_required()
    {
        var setup = new TlsSetup();
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream(
            $"\"tls_certificates\": [ {setup.Certificate()} ], \"validation_context\": {setup.Validation()}", "\"require_client_certificate\": true")));
        await Assert.ThrowsAnyAsync<Exception>(() => proxy.GetAsync());
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + "ssl.fail_verify_no_cert"));
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.GetAsync(client: setup.ClientCertificate));
        using var stranger = new TlsSetup();
        await Assert.ThrowsAnyAsync<Exception>(() => proxy.GetAsync(client: stranger.ClientCertificate));
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + "ssl.fail_verify_error"));
        Assert.Equal(1, proxy.Upstream.Heads);
    }

    [Fact]
    public async Task An_optional_client_certificate_may_be_left_out_but_not_be_wrong()
    {
        var setup = new TlsSetup();
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream(
            $"\"tls_certificates\": [ {setup.Certificate()} ], \"validation_context\": {setup.Validation()}")));
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.GetAsync());
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + "ssl.no_certificate"));
        using var stranger = new TlsSetup();
        await Assert.ThrowsAnyAsync<Exception>(() => proxy.GetAsync(client: stranger.ClientCertificate));
    }

    [Theory]
    [InlineData("""{"san_type": "URI", "matcher": {"exact": "spiffe://cluster.local/ns/default/sa/client"} }""", true)]
    [InlineData("""{"san_type": "URI", "matcher": {"prefix": "spiffe://cluster.local/"} }""", true)]
    [InlineData("""{"san_type": "URI", "matcher": {"safe_regex": {"regex": "spiffe://[a-z.]+/ns/default/sa/.*"} } }""", true)]
    [InlineData("""{"san_type": "URI", "matcher": {"suffix": "/sa/other"} }""", false)]
    [InlineData("""{"san_type": "DNS", "matcher": {"prefix": "spiffe://cluster.local/"} }""", false)]
    public async Task Names_of_client_certificates_are_matched(string matcher, bool accepted)
    {
        var setup = new TlsSetup();
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream(
            $"\"tls_certificates\": [ {setup.Certificate()} ], \"validation_context\": {setup.Validation($"\"match_typed_subject_alt_names\": [ {matcher} ]")}", "\"require_client_certificate\": true")));
        if (accepted)
        {
            Assert.StartsWith("HTTP/1.1 200 ", await proxy.GetAsync(client: setup.ClientCertificate));
            return;
        }
        await Assert.ThrowsAnyAsync<Exception>(() => proxy.GetAsync(client: setup.ClientCertificate));
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + "ssl.fail_verify_san"));
    }

    [Fact]
    public async Task The_chain_is_chosen_by_server_name_and_unknown_names_are_cut()
    {
        var setup = new TlsSetup();
        setup.Issue("b", "b.test");
        setup.Issue("wild", "*.c.test");
        await using var proxy = TlsProxy.Start(
            setup,
            TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ]"), "{\"server_names\": [\"a.test\"]}")
            + TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate("b")} ]"), "{\"server_names\": [\"b.test\"]}")
            + TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate("wild")} ]"), "{\"server_names\": [\"*.c.test\"]}"),
            TlsSetup.Inspector);
        foreach (var (name, subject) in new[] { ("a.test", "CN=a.test"), ("b.test", "CN=b.test"), ("x.c.test", "CN=*.c.test") })
        {
            var shown = "";
            await using var stream = await proxy.ConnectAsync(name, onServer: certificate => shown = certificate.Subject);
            Assert.Equal(subject, shown);
            Assert.StartsWith("HTTP/1.1 200 ", await TlsProxy.AskAsync(stream));
        }
        await Assert.ThrowsAnyAsync<Exception>(() => proxy.GetAsync("unknown.test"));
        Assert.Equal(1, await proxy.StatAsync(setup.ListenerStat + "no_filter_chain_match"));
    }

    [Fact]
    public async Task Among_the_certificates_of_one_chain_the_one_with_the_name_is_shown()
    {
        var setup = new TlsSetup();
        setup.Issue("b", "b.test");
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()}, {setup.Certificate("b")} ]")));
        foreach (var (name, subject) in new[] { ("b.test", "CN=b.test"), ("a.test", "CN=a.test"), ("neither.test", "CN=a.test") })
        {
            var shown = "";
            await using var stream = await proxy.ConnectAsync(name, onServer: certificate => shown = certificate.Subject);
            Assert.Equal(subject, shown);
        }
    }

    [Theory]
    [InlineData("h2,http/1.1", "http/1.1", "http/1.1")]
    [InlineData("http/1.1,istio", "other,istio", "istio")]
    [InlineData("http/1.1", "other", "")]
    public async Task The_protocol_is_negotiated_in_the_servers_order(string ours, string theirs, string chosen)
    {
        var setup = new TlsSetup();
        var list = string.Join(", ", ours.Split(',').Select(name => $"\"{name}\""));
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Tcp(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ], \"alpn_protocols\": [ {list} ]")));
        await using var stream = await proxy.ConnectAsync(alpn: theirs.Split(','));
        Assert.Equal(chosen, Encoding.ASCII.GetString(stream.NegotiatedApplicationProtocol.Protocol.Span));
        Assert.StartsWith("HTTP/1.1 200 ", await TlsProxy.AskAsync(stream));
    }

    [Fact]
    public async Task A_chain_without_tls_passes_the_handshake_through()
    {
        var setup = new TlsSetup();
        await using var inner = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ]")));
        var outer = new TlsSetup();
        await using var proxy = TlsProxy.Start(
            outer, TlsSetup.Chain(TlsSetup.Tcp("inner"), "", "{\"server_names\": [\"a.test\"]}"), TlsSetup.Inspector, TlsSetup.Cluster("inner", inner.Port, ""));
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.GetAsync());
        Assert.Equal(1, await inner.StatAsync(setup.ListenerStat + "ssl.handshake"));
        Assert.Equal(0, await proxy.StatAsync(outer.ListenerStat + "ssl.handshake"));
    }

    [Fact]
    public async Task Garbage_instead_of_a_handshake_never_harms()
    {
        var setup = new TlsSetup();
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ]")));
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, proxy.Port), TestContext.Current.CancellationToken);
            var bytes = new byte[random.Next(1, 600)];
            random.NextBytes(bytes);
            // Half of them look like a handshake record at first.
            if (round % 2 == 0 && bytes.Length > 9) (bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]) = (0x16, 3, 1, 0, (byte)(bytes.Length - 5), 1);
            await socket.SendAsync(bytes);
            if (round % 3 == 0) socket.LingerState = new LingerOption(true, 0);
        }
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.GetAsync());
        Assert.True(await proxy.StatAsync(setup.ListenerStat + "ssl.connection_error") > 0);
        await Eventually.TrueAsync(async () => await proxy.StatAsync(setup.ListenerStat + "downstream_cx_active") == 0);
    }
}
