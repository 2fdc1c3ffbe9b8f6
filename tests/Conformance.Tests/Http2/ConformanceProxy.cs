using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Foundation.Logging;
using Lateen.Proxy;
using Lateen.Support;

namespace Lateen.Conformance.Tests.Http2;

/// <summary>A proxy in this process between a program of somebody else's and an upstream.</summary>
internal sealed class ConformanceProxy : IAsyncDisposable
{
    private readonly ProxyServer _server;

    private ConformanceProxy(ProxyServer server, int port) => (_server, Port) = (server, port);

    public int Port { get; }

    /// <param name="upstreamPort">Where everything goes.</param>
    /// <param name="http2Upstream">The upstream speaks HTTP/2.</param>
    public static async Task<ConformanceProxy> StartAsync(int upstreamPort, bool http2Upstream)
    {
        var port = FreePorts.Many(1)[0];
        var options = http2Upstream ? "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {\"@type\": "
            + "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}" : "";
        var bootstrap = $$"""
            node: {id: "sidecar~127.0.0.1~test.default~default.svc.cluster.local", cluster: test}
            static_resources:
              clusters:
              - name: app
                type: STATIC
                connect_timeout: 5s
                circuit_breakers: {thresholds: [{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000} ]}
                {{options}}
                load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {{Address(upstreamPort)}} } } ] } ] }
              listeners:
              - name: test
                address: {{Address(port)}}
                filter_chains:
                - filters:
                  - name: http
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: test
                      codec_type: HTTP2
                      route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: app, timeout: 0s} } ] } ] }
                      http_filters:
                      - {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router} }
            """;
        var server = ProxyServer.Start(new ProxyOptions { Bootstrap = bootstrap, Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory());
        await ListensAsync(port);
        return new ConformanceProxy(server, port);
    }

    /// <summary>Waits until somebody listens on a port.</summary>
    public static Task ListensAsync(int port) => Eventually.TrueAsync(async () =>
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        return true;
    }, TimeSpan.FromSeconds(60));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Address(int port) => $$"""{socket_address: {address: 127.0.0.1, port_value: {{port}} } }""";
}

/// <summary>An HTTP/1.1 upstream that reads each request to its end before it answers.</summary>
internal sealed class PatientUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public PatientUpstream()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                long length = 0;
                var isChunked = false;
                while (await reader.ReadLineAsync() is { Length: > 0 } header)
                {
                    if (header.StartsWith("content-length: ", StringComparison.OrdinalIgnoreCase)) length = long.Parse(header[16..], System.Globalization.CultureInfo.InvariantCulture);
                    isChunked |= header.StartsWith("transfer-encoding: ", StringComparison.OrdinalIgnoreCase);
                }
                while (isChunked && await reader.ReadLineAsync() is { } size)
                {
                    length = Convert.ToInt64(size, 16);
                    await SkipAsync(reader, length + 2);
                    if (length == 0) break;
                }
                if (!isChunked) await SkipAsync(reader, length);
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{(line.StartsWith("HEAD", StringComparison.Ordinal) ? "" : "hello there")}"));
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The proxy has cut the connection.
        }
    }

    private static async Task SkipAsync(StreamReader reader, long count)
    {
        var buffer = new char[4096];
        for (int read; count > 0 && (read = await reader.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, count)))) > 0;) count -= read;
    }
}
