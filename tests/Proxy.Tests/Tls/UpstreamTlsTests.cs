using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>TLS to upstreams: one proxy of ours in front of another, so that both sides of every handshake are seen.</summary>
public sealed class UpstreamTlsTests
{
    private const string Mutual = "\"require_client_certificate\": true";

    [Fact]
    public async Task Mutual_tls_on_both_sides_passes_the_identity_on()
    {
        await using var pair = Pair.Start(validation: "\"match_typed_subject_alt_names\": [ {\"san_type\": \"URI\", \"matcher\": {\"exact\": \"spiffe://cluster.local/ns/default/sa/server\"} } ]");
        var answer = await pair.Outer.GetAsync(client: pair.Setup.ClientCertificate);
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        var element = "By=spiffe://cluster.local/ns/default/sa/server;Hash=";
        var header = pair.Inner.Upstream.Received.Split("x-forwarded-client-cert: ")[1].Split("\r\n")[0];
        // The outer proxy set its client's element, the inner one appended that of the outer proxy.
        Assert.Equal(2, header.Split(element).Length - 1);
        Assert.Equal(2, header.Split(";URI=spiffe://cluster.local/ns/default/sa/client").Length - 1);
        Assert.Equal(1, await pair.Outer.StatAsync("cluster.secure.ssl.handshake"));
        Assert.Equal(1, await pair.Outer.StatAsync("cluster.secure.ssl.versions.TLSv1.2"));
    }

    [Theory]
    [InlineData("\"match_typed_subject_alt_names\": [ {\"san_type\": \"URI\", \"matcher\": {\"exact\": \"spiffe://cluster.local/ns/default/sa/other\"} } ]", "fail_verify_san")]
    [InlineData("\"verify_certificate_hash\": [ \"0000000000000000000000000000000000000000000000000000000000000000\" ]", "fail_verify_cert_hash")]
    public async Task A_server_with_the_wrong_identity_gets_no_request(string validation, string counter)
    {
        await using var pair = Pair.Start(validation);
        var answer = await pair.Outer.GetAsync(client: pair.Setup.ClientCertificate);
        Assert.StartsWith("HTTP/1.1 503 ", answer);
        // The log says why, the client is not told.
        Assert.EndsWith("reset reason: remote connection failure", answer);
        await Eventually.TrueAsync(() => File.Exists(pair.OuterLog) && File.ReadAllText(pair.OuterLog) is var log && log.Contains("UF TLS_error:|", StringComparison.Ordinal) && log.Contains("CERTIFICATE_VERIFY_FAILED", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
        Assert.Equal(0, pair.Inner.Upstream.Heads);
        Assert.Equal(1, await pair.Outer.StatAsync("cluster.secure.ssl." + counter));
        Assert.True(await pair.Outer.StatAsync("cluster.secure.ssl.connection_error") > 0);
    }

    [Fact]
    public async Task Sessions_are_taken_up_again()
    {
        await using var pair = Pair.Start(upstreamMore: "\"sni\": \"a.test\"", clusterMore: "  max_requests_per_connection: 1\n");
        for (var i = 0; i < 5; i++) Assert.StartsWith("HTTP/1.1 200 ", await pair.Outer.GetAsync(client: pair.Setup.ClientCertificate));
        Assert.Equal(5, await pair.Outer.StatAsync("cluster.secure.ssl.handshake"));
        Assert.True(await pair.Outer.StatAsync("cluster.secure.ssl.session_reused") >= 3);
        Assert.True(await pair.Inner.StatAsync(pair.InnerSetup.ListenerStat + "ssl.session_reused") >= 3);
        // The identity survives in the session.
        Assert.Equal(5, pair.Inner.Upstream.Received.Split("Subject=\"CN=test\";URI=spiffe://cluster.local/ns/default/sa/client\r\n").Length - 1);
    }

    [Fact]
    public async Task A_host_may_be_reached_by_another_transport_than_its_cluster_s()
    {
        var setup = new TlsSetup();
        var cluster = $$"""
            - name: mixed
              type: STATIC
              connect_timeout: 5s
              load_assignment: {"cluster_name": "mixed", "endpoints": [ {"lb_endpoints": [ {"endpoint": {"address": {{TlsSetup.Address(setup.Upstream.Port)}} } } ] } ] }
              transport_socket_matches:
              - {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": {{TlsSetup.Upstreams($"\"validation_context\": {setup.Validation()}")}} }
              - {"name": "tlsMode-disabled", "match": {}, "transport_socket": {"name": "envoy.transport_sockets.raw_buffer", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"} } }
            """;
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http("mixed"), TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ]")), clusters: cluster);
        Assert.StartsWith("HTTP/1.1 200 ", await proxy.GetAsync());
        setup.Upstream.Dispose();
    }

    [Fact]
    public async Task Certificates_change_under_load_without_a_failed_request()
    {
        var setup = new TlsSetup();
        setup.Folder.Write("sds.yaml", $$"""
            version_info: "1"
            resources:
            - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
              name: server
              tls_certificate: {{setup.Certificate()}}
            """);
        await using var proxy = TlsProxy.Start(setup, TlsSetup.Chain(TlsSetup.Http(), TlsSetup.Downstream(
            $$"""
            "tls_certificate_sds_secret_configs": [ {"name": "server", "sds_config": {"path_config_source": {"path": "{{setup.Folder.PathOf("sds.yaml")}}"} } } ]
            """)));
        var seen = new HashSet<string>();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return (await proxy.GetAsync()).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or System.Security.Authentication.AuthenticationException)
            {
                return false;
            }
        });
        var (served, stop) = (0, false);
        var load = Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                await using var stream = await proxy.ConnectAsync(onServer: certificate => seen.Add(certificate.SerialNumber));
                Assert.StartsWith("HTTP/1.1 200 ", await TlsProxy.AskAsync(stream));
                Interlocked.Increment(ref served);
            }
        }, TestContext.Current.CancellationToken);
        for (var round = 1; round <= 3; round++)
        {
            setup.Issue("server", "a.test");
            await Eventually.TrueAsync(() => load.IsCompleted || seen.Count > round);
        }
        // Half a file is no certificate: the last good one stays.
        var before = seen.Count;
        setup.Folder.Write("server.pem", "-----BEGIN CERTIFICATE-----\nnonsense");
        var mark = Volatile.Read(ref served);
        await Eventually.TrueAsync(() => load.IsCompleted || Volatile.Read(ref served) > mark + 50);
        Volatile.Write(ref stop, true);
        await load;
        Assert.Equal(before, seen.Count);
        Assert.Contains("\"dns\": \"a.test\"", await proxy.AdminAsync("/certs"));
        Assert.True(await proxy.StatAsync(setup.ListenerStat + "ssl.ssl_context_update_by_sds") >= 3);
    }

    [Fact]
    public void What_is_not_supported_is_refused_with_its_path()
    {
        using var setup = new TlsSetup();
        foreach (var (socket, path) in new[]
        {
            (TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ], \"key_log\": {{\"path\": \"/tmp/keys\"}}"), "key_log"),
            (TlsSetup.Downstream("\"alpn_protocols\": [\"h2\"]"), "tls_certificates"),
            (TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ], \"tls_params\": {{\"cipher_suites\": [\"NO-SUCH-SUITE\"]}}"), "NO-SUCH-SUITE"),
            (TlsSetup.Downstream($"\"tls_certificates\": [ {{\"certificate_chain\": {{\"inline_string\": \"x\"}}, \"private_key\": {{\"inline_string\": \"y\"}} }} ]"), "certificate_chain"),
            (TlsSetup.Downstream($"\"tls_certificates\": [ {setup.Certificate()} ], \"validation_context\": {{\"match_typed_subject_alt_names\": [ {{\"san_type\": \"DNS\", \"matcher\": {{\"exact\": \"a\"}} }} ]}}"), "validation_context"),
        })
        {
            var refused = Assert.ThrowsAny<Exception>(() => TlsProxy.Start(new TlsSetup(), TlsSetup.Chain(TlsSetup.Http(), socket)));
            Assert.Contains(path, refused.Message);
        }
    }

    /// <summary>A client's proxy that speaks mutual TLS to a server's proxy.</summary>
    private sealed class Pair(TlsProxy outer, TlsProxy inner) : IAsyncDisposable
    {
        public TlsProxy Outer => outer;

        public TlsProxy Inner => inner;

        public TlsSetup Setup => outer.Setup;

        public string OuterLog => Setup.Folder.PathOf("outer.log");

        public TlsSetup InnerSetup => inner.Setup;

        public static Pair Start(string validation = "", string upstreamMore = "", string clusterMore = "")
        {
            var (setup, innerSetup) = (new TlsSetup(), new TlsSetup());
            const string Forward = "\"forward_client_cert_details\": \"APPEND_FORWARD\", \"set_current_client_cert_details\": {\"subject\": true, \"uri\": true}";
            var common = $"\"tls_certificates\": [ {setup.Certificate()} ], \"validation_context\": {setup.Validation()}";
            var inner = TlsProxy.Start(innerSetup, TlsSetup.Chain(TlsSetup.Http(more: Forward), TlsSetup.Downstream(common, Mutual)));
            var socket = TlsSetup.Upstreams($"\"tls_certificates\": [ {setup.Certificate("client")} ], \"validation_context\": {setup.Validation(validation)}", upstreamMore);
            var log = $$"""
                , "access_log": [ {"name": "file", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "{{setup.Folder.PathOf("outer.log")}}",
                "log_format": {"text_format_source": {"inline_string": "%RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n"} } } } ]
                """.ReplaceLineEndings(" ");
            var outer = TlsProxy.Start(
                setup, TlsSetup.Chain(TlsSetup.Http("secure", Forward.Replace("APPEND_FORWARD", "SANITIZE_SET", StringComparison.Ordinal) + log), TlsSetup.Downstream(common, Mutual)),
                clusters: TlsSetup.Cluster("secure", inner.Port, socket, clusterMore));
            return new Pair(outer, inner);
        }

        public async ValueTask DisposeAsync()
        {
            await outer.DisposeAsync();
            await inner.DisposeAsync();
        }
    }
}
