using System.Net;
using Lateen.Hosting.Rpc;
using Lateen.Hosting.Servers;
using Lateen.Rpc.Server;
using Lateen.Support;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>A gRPC server that the proxy calls or forwards to, in clear text or with TLS.</summary>
internal sealed class RpcUpstream : IAsyncDisposable
{
    private readonly HttpServer _server;
    private readonly TempFolder? _files;
    private readonly string _authority;

    private RpcUpstream(HttpServer server, TempFolder? files, string authority) => (_server, _files, _authority) = (server, files, authority);

    public int Port => _server.Port;

    public static async Task<RpcUpstream> StartAsync(RpcServiceTable table, bool tls = false)
    {
        TempFolder? files = null;
        CertificateFiles? certificate = null;
        var authority = "";
        if (tls)
        {
            files = new TempFolder();
            using var certificates = new TestCertificates();
            certificates.WriteTo(files, "rpc.test");
            certificate = new CertificateFiles(Path.Combine(files.FullName, "cert.pem"), Path.Combine(files.FullName, "key.pem"), NullLogger.Instance);
            authority = certificates.Authority.ExportCertificatePem();
        }
        var listener = new ServerListener(new IPEndPoint(IPAddress.Loopback, 0)) { Protocols = HttpProtocols.Http2, Certificate = certificate };
        return new RpcUpstream(await HttpServer.StartAsync(NullLoggerFactory.Instance, [listener], endpoints => endpoints.MapRpc(table), TestContext.Current.CancellationToken), files, authority);
    }

    /// <summary>YAML of a cluster that reaches the server.</summary>
    public string Cluster(string name)
    {
        var cluster = $$"""
            - name: {{name}}
              type: STATIC
              connect_timeout: 5s
              load_assignment: {cluster_name: {{name}}, endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{Port}} } } } } ] } ] }
              typed_extension_protocol_options:
                envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                  "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                  explicit_http_config: {http2_protocol_options: {} }
            """;
        return _authority.Length == 0 ? cluster : cluster + "\n" + $$"""
              transport_socket:
                name: tls
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                  sni: rpc.test
                  common_tls_context: {alpn_protocols: [h2], validation_context: {trusted_ca: {inline_string: "{{_authority.Replace("\n", "\\n", StringComparison.Ordinal)}}"} } }
            """;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _files?.Dispose();
    }
}
