using Lateen.Foundation.Logging;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Support;

namespace Lateen.Proxy.Tests.Upstream;

/// <summary>A whole proxy in this process whose clusters and routes a test writes.</summary>
internal sealed class ClusterProxy : IAsyncDisposable
{
    private readonly ProxyServer _server;
    private readonly HttpClient _client;

    private ClusterProxy(ProxyServer server, int port)
    {
        (_server, Port) = (server, port);
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(20) };
    }

    public int Port { get; }

    /// <param name="clusters">YAML of a list of clusters, in flow or block style, not indented.</param>
    /// <param name="routes">YAML of a list of routes, not indented.</param>
    /// <param name="virtualHost">Further fields of the virtual host in flow style, each with a comma behind it.</param>
    public static ClusterProxy Start(string clusters, string routes = "- {match: {prefix: /}, route: {cluster: app}}", string virtualHost = "") => Start(clusters, port => $$"""
        - filters:
          - name: http
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: test
              route_config:
                virtual_hosts:
                - name: all
                  domains: ["*"]
        {{Indent(virtualHost, 10)}}
                  routes:
        {{Indent(routes, 10)}}
              http_filters:
              - name: router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        """);

    /// <summary>A listener with filter chains of the test's own.</summary>
    public static ClusterProxy Start(string clusters, Func<int, string> chains)
    {
        var port = FreePorts.Many(1)[0];
        var bootstrap = $$"""
            node: {id: test, cluster: test}
            static_resources:
              clusters:
            {{Indent(clusters, 2)}}
              listeners:
              - name: test
                address: {{Address(port)}}
                filter_chains:
            {{Indent(chains(port), 4)}}
            """;
        return new ClusterProxy(ProxyServer.Start(new ProxyOptions { Bootstrap = bootstrap, Concurrency = 1 }, new LogOptions { Targets = ["stderr"] }.CreateFactory()), port);
    }

    public static string Address(int port) => $$"""{"socket_address": {"address": "127.0.0.1", "port_value": {{port}} } }""";

    /// <summary>An assignment with these ports of this machine, each an endpoint.</summary>
    public static string Endpoints(params int[] ports) =>
        $$"""{"cluster_name": "x", "endpoints": [ {"lb_endpoints": [ {{string.Join(", ", ports.Select(port => $$"""{"endpoint": {"address": {{Address(port)}} } }"""))}} ] } ] }""";

    public ClusterState Cluster(string name = "app") => _server.Resources.Dump().States.Single(cluster => cluster.Name == name);

    public long Stat(int field, string cluster = "app") => Cluster(cluster).Stats.Read(field);

    public async Task<(int Status, string Body)> GetAsync(string path = "/", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken));
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return _server.DisposeAsync();
    }

    private static string Indent(string text, int blanks) => string.Join('\n', text.Split('\n').Select(line => new string(' ', blanks) + line));
}
