using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Foundation.Logging;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>A whole proxy with listeners and clusters as a test writes them, an authority, and a folder of certificates.</summary>
internal sealed class TlsProxy : IAsyncDisposable
{
    private readonly ProxyServer _server;
    private readonly HttpClient _admin;

    private TlsProxy(ProxyServer server, TlsSetup setup)
    {
        (_server, Setup) = (server, setup);
        _admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{setup.AdminPort}") };
    }

    public TlsSetup Setup { get; }

    public int Port => Setup.Port;

    public RecordingUpstream Upstream => Setup.Upstream;

    /// <param name="setup">Ports, folder and authority, made first so that the texts can name them.</param>
    /// <param name="chains">YAML of the listener's filter chains.</param>
    /// <param name="listenerFilters">YAML of the listener filters.</param>
    /// <param name="clusters">YAML of clusters beside "app", the plain upstream.</param>
    /// <param name="secrets">YAML of the bootstrap's secrets.</param>
    public static TlsProxy Start(TlsSetup setup, string chains, string listenerFilters = "[]", string clusters = "", string secrets = "[]")
    {
        var bootstrap = $$"""
            node: {id: "sidecar~127.0.0.1~test.default~default.svc.cluster.local", cluster: test}
            admin: {"address": {{TlsSetup.Address(setup.AdminPort)}} }
            static_resources:
              secrets: {{secrets}}
              clusters:
              - name: app
                type: STATIC
                connect_timeout: 5s
                load_assignment: {{TlsSetup.Assignment("app", setup.Upstream.Port)}}
            {{Indent(clusters, 2)}}
              listeners:
              - name: test
                address: {{TlsSetup.Address(setup.Port)}}
                listener_filters: {{listenerFilters}}
                filter_chains:
            {{Indent(chains, 4)}}
            """;
        return new TlsProxy(ProxyServer.Start(new ProxyOptions { Bootstrap = bootstrap, Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory()), setup);
    }

    private static string Indent(string text, int blanks) => string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => new string(' ', blanks) + line));

    /// <summary>A TLS connection to the proxy; null options take any certificate.</summary>
    public async Task<SslStream> ConnectAsync(
        string serverName = "a.test", X509Certificate2? client = null, SslProtocols protocols = SslProtocols.None, string[]? alpn = null, Action<X509Certificate2>? onServer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port));
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = serverName,
                EnabledSslProtocols = protocols,
                ClientCertificates = client is null ? null : [client],
                LocalCertificateSelectionCallback = client is null ? null : (_, _, _, _, _) => client,
                ApplicationProtocols = alpn?.Select(name => new SslApplicationProtocol(name)).ToList(),
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    onServer?.Invoke((X509Certificate2)certificate!);
                    return true;
                },
            }, TestContext.Current.CancellationToken);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
        return stream;
    }

    /// <summary>One request on an open connection: the whole answer, for bodies with a length.</summary>
    public static async Task<string> AskAsync(Stream stream, string path = "/", string headers = "", string method = "GET")
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nhost: a.test\r\n{headers}\r\n"));
        var answer = "";
        var buffer = new byte[64 * 1024];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            var read = await stream.ReadAsync(buffer, patience.Token);
            if (read == 0) return answer;
            answer += Encoding.Latin1.GetString(buffer, 0, read);
            var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0) continue;
            var length = answer.Split("content-length: ") is [_, var rest, ..] ? int.Parse(rest[..rest.IndexOf('\r')], System.Globalization.CultureInfo.InvariantCulture) : 0;
            if (answer.Length >= end + 4 + length) return answer;
        }
    }

    /// <summary>Connects, asks once and closes.</summary>
    public async Task<string> GetAsync(string serverName = "a.test", X509Certificate2? client = null, string headers = "", string path = "/")
    {
        await using var stream = await ConnectAsync(serverName, client);
        return await AskAsync(stream, path, headers);
    }

    public async Task<long> StatAsync(string name)
    {
        var text = await _admin.GetStringAsync("/stats", TestContext.Current.CancellationToken);
        return text.Split('\n').FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal)) is { } line ? long.Parse(line[(name.Length + 2)..], System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    public Task<string> AdminAsync(string path) => _admin.GetStringAsync(path, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _server.DisposeAsync();
        Setup.Dispose();
    }
}

/// <summary>What a test's configuration refers to.</summary>
internal sealed class TlsSetup : IDisposable
{
    private readonly int[] _ports = FreePorts.Many(3);

    public TlsSetup()
    {
        Folder.Write("root.pem", Authority.Authority.ExportCertificatePem());
        Issue("server", "a.test", "spiffe://cluster.local/ns/default/sa/server");
        Issue("client", "spiffe://cluster.local/ns/default/sa/client");
    }

    public int Port => _ports[0];

    public int AdminPort => _ports[1];

    public int ExtraPort => _ports[2];

    public TestCertificates Authority { get; } = new();

    public TempFolder Folder { get; } = new();

    public RecordingUpstream Upstream { get; } = new();

    public string ListenerStat => $"listener.127.0.0.1_{Port}.";

    public X509Certificate2 ClientCertificate => Load("client");

    /// <summary>Writes NAME.pem and NAME.key.</summary>
    public void Issue(string name, params string[] names)
    {
        var (certificate, key) = Authority.Issue(names);
        Folder.Write(name + ".key", key);
        Folder.Write(name + ".pem", certificate);
    }

    public X509Certificate2 Load(string name)
    {
        // SslStream wants keys that are not ephemeral on some platforms; a round trip through PKCS #12 makes them so.
        using var loaded = X509Certificate2.CreateFromPemFile(Folder.PathOf(name + ".pem"), Folder.PathOf(name + ".key"));
        return X509CertificateLoader.LoadPkcs12(loaded.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>TlsCertificate over the files of a name.</summary>
    public string Certificate(string name = "server") =>
        $$"""{"certificate_chain": {"filename": "{{Folder.PathOf(name + ".pem")}}"}, "private_key": {"filename": "{{Folder.PathOf(name + ".key")}}"} }""";

    /// <summary>CertificateValidationContext over the authority, with more fields.</summary>
    public string Validation(string more = "") => $$"""{"trusted_ca": {"filename": "{{Folder.PathOf("root.pem")}}"} {{(more.Length > 0 ? ", " + more : "")}} }""";

    /// <summary>A transport socket for a chain.</summary>
    public static string Downstream(string common, string more = "") =>
        $$"""{"name": "tls", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": { {{common}} } {{(more.Length > 0 ? ", " + more : "")}} } }""";

    /// <summary>A transport socket for a cluster.</summary>
    public static string Upstreams(string common, string more = "") =>
        $$"""{"name": "tls", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", "common_tls_context": { {{common}} } {{(more.Length > 0 ? ", " + more : "")}} } }""";

    /// <summary>The filters of a chain that sends HTTP to a cluster.</summary>
    public static string Http(string cluster = "app", string more = "") =>
        "[ {\"name\": \"http\", \"typed_config\": {\"@type\": \"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\", \"stat_prefix\": \"test\", "
        + (more.Length > 0 ? more + ", " : "") + "\"route_config\": {\"virtual_hosts\": [ {\"name\": \"all\", \"domains\": [\"*\"], \"routes\": [ {\"match\": {\"prefix\": \"/\"}, \"route\": {\"cluster\": \"" + cluster
        + "\"} } ] } ] }, \"http_filters\": [ {\"name\": \"router\", \"typed_config\": {\"@type\": \"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\"} } ] } } ]";

    /// <summary>The filters of a chain that sends bytes to a cluster.</summary>
    public static string Tcp(string cluster = "app") =>
        "[ {\"name\": \"tcp\", \"typed_config\": {\"@type\": \"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy\", \"stat_prefix\": \"tcp\", \"cluster\": \"" + cluster + "\"} } ]";

    /// <summary>YAML of a chain.</summary>
    public static string Chain(string filters, string transport = "", string match = "") =>
        "- filters: " + filters + "\n" + (transport.Length > 0 ? "  transport_socket: " + transport + "\n" : "") + (match.Length > 0 ? "  filter_chain_match: " + match + "\n" : "");

    public static string Cluster(string name, int port, string transport, string more = "") =>
        $"- name: {name}\n  type: STATIC\n  connect_timeout: 5s\n  load_assignment: {Assignment(name, port)}\n" + (transport.Length > 0 ? $"  transport_socket: {transport}\n" : "") + more;

    public const string Inspector = """[ {"name": "i", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"} } ]""";

    public static string Address(int port) => $$"""{"socket_address": {"address": "127.0.0.1", "port_value": {{port}} } }""";

    public static string Assignment(string cluster, int port) => $$"""{"cluster_name": "{{cluster}}", "endpoints": [ {"lb_endpoints": [ {"endpoint": {"address": {{Address(port)}} } } ] } ] }""";

    public void Dispose()
    {
        Upstream.Dispose();
        Folder.Dispose();
        Authority.Dispose();
    }
}
