using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Workers;
using Lateen.Support;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>A whole proxy with a static bootstrap in this process, in front of an upstream that records what reaches it.</summary>
internal sealed class TestProxy : IAsyncDisposable
{
    private readonly ProxyServer _server;

    private TestProxy(ProxyServer server, int port, int adminPort, RecordingUpstream upstream) => (_server, Port, AdminPort, Upstream) = (server, port, adminPort, upstream);

    public int Port { get; }

    public int AdminPort { get; }

    public RecordingUpstream Upstream { get; }

    /// <summary>The proxy's only worker, for measurements.</summary>
    public Worker Worker => _server.Workers[0];

    /// <param name="routes">YAML of the routes, indented by twelve blanks; the cluster "app" is the upstream.</param>
    /// <param name="filters">YAML of HTTP filters before the router.</param>
    /// <param name="manager">YAML of more fields of the connection manager, one a line.</param>
    /// <param name="cluster">YAML of more fields of the cluster "app", one a line.</param>
    /// <param name="appPort">Port of another upstream for the cluster "app"; 0 for the recording one.</param>
    /// <param name="clusters">YAML of more clusters.</param>
    /// <param name="before">YAML of network filters before the connection manager.</param>
    /// <param name="host">YAML of more fields of the virtual host, one a line.</param>
    /// <param name="listener">YAML of more fields of the listener, one a line.</param>
    /// <param name="tcp">Forwards bytes in place of HTTP; null for nothing behind the filters before.</param>
    public static TestProxy Start(
        string routes = "- {match: {prefix: \"/\"}, route: {cluster: app}}", string filters = "", string manager = "", string cluster = "", string clusters = "",
        string before = "", bool? tcp = false, int appPort = 0, string host = "", string listener = "")
    {
        var upstream = new RecordingUpstream();
        var ports = FreePorts.Many(2);
        var bootstrap = $$"""
            node: {id: "sidecar~127.0.0.1~test.default~default.svc.cluster.local", cluster: test}
            admin: {"address": {{Address(ports[1])}} }
            static_resources:
              clusters:
              - name: app
                type: STATIC
                connect_timeout: 1s
                load_assignment: {{Assignment("app", appPort > 0 ? appPort : upstream.Port)}}
            {{Indent(cluster, 4)}}
              - name: dead
                type: STATIC
                connect_timeout: 1s
                load_assignment: {{Assignment("dead", 1)}}
            {{Indent(clusters, 2)}}
              listeners:
              - name: test
                address: {{Address(ports[0])}}
            {{Indent(listener, 4)}}
                filter_chains:
                - filters:
            {{Indent(before, 6)}}
            {{Indent(tcp switch { true => Tcp, false => Http(routes, filters, manager, host), null => "" }, 6)}}
            """;
        var server = ProxyServer.Start(new ProxyOptions { Bootstrap = bootstrap, Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory());
        return new TestProxy(server, ports[0], ports[1], upstream);
    }

    private const string Tcp = """
        - name: tcp
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
            stat_prefix: test
            cluster: app
        """;

    private static string Http(string routes, string filters, string manager, string host) => $$"""
        - name: http
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            stat_prefix: test
            normalize_path: true
        {{Indent(manager, 4)}}
            route_config:
              validate_clusters: false
              virtual_hosts:
              - name: all
                domains: ["*"]
        {{Indent(host, 8)}}
                routes:
        {{Indent(routes, 8)}}
            http_filters:
        {{Indent(filters, 4)}}
            - name: router
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        """;

    private static string Indent(string yaml, int blanks) => string.Join('\n', yaml.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => new string(' ', blanks) + line));

    private static string Address(int port) => $$"""{"socket_address": {"address": "127.0.0.1", "port_value": {{port}} } }""";

    private static string Assignment(string cluster, int port) =>
        $$"""{"cluster_name": "{{cluster}}", "endpoints": [ {"lb_endpoints": [ {"endpoint": {"address": {{Address(port)}} } } ] } ] }""";

    /// <summary>Sends raw bytes and reads until the proxy closes or nothing has come for a while.</summary>
    public async Task<string> SendAsync(string request, int quietMs = 300)
    {
        // The proxy closes when it was asked to: only then is there an end to wait for.
        if (request.Contains("Connection: close", StringComparison.Ordinal)) quietMs = 10_000;
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        var answer = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                using var quiet = new CancellationTokenSource(quietMs);
                var read = await socket.ReceiveAsync(buffer, quiet.Token);
                if (read == 0) break;
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Nothing more comes, or the proxy has reset the connection.
        }
        return answer.ToString();
    }

    public HttpClient Client() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };

    /// <summary>The value of a statistic on the admin page.</summary>
    public async Task<long> StatAsync(string name)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var page = await client.GetStringAsync($"http://127.0.0.1:{AdminPort}/stats");
        var line = page.Split('\n').FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal));
        return line is null ? -1 : long.Parse(line[(name.Length + 2)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Upstream.Dispose();
    }

    /// <summary>A connection to the proxy.</summary>
    public async Task<Socket> ConnectAsync()
    {
        // Workers bind a moment after the start.
        for (var tries = 0; ; tries++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port));
                return socket;
            }
            catch (SocketException) when (tries < 100)
            {
                socket.Dispose();
                await Task.Delay(10);
            }
        }
    }
}
