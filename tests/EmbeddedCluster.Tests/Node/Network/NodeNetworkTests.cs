using System.Net;
using Lateen.EmbeddedCluster.Node.Network;
using Lateen.EmbeddedCluster.Processes;
using Lateen.EmbeddedCluster.ServiceProxy;
using Lateen.Foundation.Interop;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Node.Network;

/// <summary>Pods, node and service addresses on real packets; needs root, iptables and python3.</summary>
public sealed class NodeNetworkTests : IAsyncLifetime
{
    private const string Server = """
        import socket, sys
        listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
        print("ready", flush=True)
        while True:
            connection, peer = listener.accept()
            connection.sendall((sys.argv[2] + " " + peer[0]).encode())
            connection.close()
        """;

    private const string Client = """
        import socket, sys
        try:
            connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)
            print(connection.recv(100).decode())
        except OSError as error:
            print(type(error).__name__)
        """;

    private static readonly PodAddress First = new(2, "10.244.0.2"), Second = new(3, "10.244.0.3");

    private readonly NodeNetworkOptions _options = new() { Prefix = $"lt{Guid.NewGuid():n}"[..10] };
    private readonly List<System.Diagnostics.Process> _servers = [];
    private NodeNetwork _network = null!;

    [Fact]
    public async Task PodsReachEachOtherTheNodeAndServices()
    {
        await ServeAsync(_network.SpaceOf(First), 8080, "first");
        await ServeAsync(_network.SpaceOf(Second), 8080, "second");
        await ServeAsync(_options.Node, 6443, "node");
        await ApplyAsync(
        [
            Service("default/both:http", "10.96.1.1", 80, ("10.244.0.2", 8080), ("10.244.0.3", 8080)),
            Service("default/first:http", "10.96.1.2", 80, ("10.244.0.2", 8080)) with { NodePort = 30080 },
            Service("default/kubernetes:https", "10.96.0.1", 443, ("10.244.0.1", 6443)),
            Service("default/none:http", "10.96.1.3", 80),
            Service("default/sticky:http", "10.96.1.4", 80, ("10.244.0.2", 8080), ("10.244.0.3", 8080)) with { AffinitySeconds = 60 },
        ]);

        // Directly, seen as who they are.
        Assert.Equal("second 10.244.0.2", await AskAsync(_network.SpaceOf(First), "10.244.0.3", 8080));
        Assert.Equal("node 10.244.0.2", await AskAsync(_network.SpaceOf(First), "10.244.0.1", 6443));
        Assert.Equal("first 10.244.0.1", await AskAsync(_options.Node, "10.244.0.2", 8080));

        // By service address: from another pod, from itself, from the node, to the node.
        Assert.Equal("first 10.244.0.3", await AskAsync(_network.SpaceOf(Second), "10.96.1.2", 80));
        Assert.Equal("first 10.244.0.1", await AskAsync(_network.SpaceOf(First), "10.96.1.2", 80));
        Assert.Equal("first 10.244.0.1", await AskAsync(_options.Node, "10.96.1.2", 80));
        Assert.Equal("node 10.244.0.2", await AskAsync(_network.SpaceOf(First), "10.96.0.1", 443));
        Assert.Equal("first 10.244.0.3", await AskAsync(_network.SpaceOf(Second), "10.244.0.1", 30080));

        // Both endpoints get their share; a client that is to stay stays.
        var answers = new HashSet<string>();
        for (var i = 0; i < 40 && answers.Count < 2; i++) answers.Add((await AskAsync(_options.Node, "10.96.1.1", 80)).Split(' ')[0]);
        Assert.Equal(["first", "second"], answers.Order());
        answers.Clear();
        for (var i = 0; i < 8; i++) answers.Add((await AskAsync(_options.Node, "10.96.1.4", 80)).Split(' ')[0]);
        Assert.Single(answers);

        // Without endpoints, and at an address that no service has: refused at once.
        Assert.Equal("ConnectionRefusedError", await AskAsync(_network.SpaceOf(First), "10.96.1.3", 80));
        Assert.Equal("ConnectionRefusedError", await AskAsync(_options.Node, "10.96.1.3", 80));
        Assert.Equal("ConnectionRefusedError", await AskAsync(_network.SpaceOf(First), "10.96.200.200", 80));
    }

    public async ValueTask InitializeAsync()
    {
        if (Posix.EffectiveUserId != 0) Assert.Skip("namespaces need root");
        if (!LocalCommand.Exists("iptables-restore")) Assert.Skip("iptables is not installed");
        if (!LocalCommand.Exists("python3")) Assert.Skip("python3 is not installed");
        _network = new NodeNetwork(_options);
        await _network.EnsureNodeAsync();
        await _network.CreatePodAsync(First, default);
        await _network.CreatePodAsync(Second, default);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers) server.Kill();
        if (_network is not null)
        {
            await _network.DeletePodAsync(First, default);
            await _network.DeletePodAsync(Second, default);
            await _options.Node.DeleteAsync();
        }
        Assert.Empty(NetworkNamespace.WithPrefix(_options.Prefix));
    }

    private static ProxiedPort Service(string name, string address, int port, params (string Address, int Port)[] endpoints) => new()
    {
        Name = name,
        Protocol = "tcp",
        Port = port,
        Addresses = [IPAddress.Parse(address)],
        Endpoints = [.. endpoints.Select(endpoint => new IPEndPoint(IPAddress.Parse(endpoint.Address), endpoint.Port))],
    };

    private static async Task<string> AskAsync(NetworkNamespace from, string address, int port) =>
        (await LocalCommand.TryRunInAsync(from, "python3", ["-c", Client, address, $"{port}"])).Output.Trim();

    private async Task ApplyAsync(IReadOnlyList<ProxiedPort> ports)
    {
        var result = await LocalCommand.TryRunInAsync(_options.Node, "iptables-restore", [], ServiceRules.Build(ports, _options.ServiceRange));
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private async Task ServeAsync(NetworkNamespace space, int port, string name)
    {
        var server = await NamespaceThread.RunAsync("server", () =>
        {
            space.Enter();
            return System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("python3", ["-c", Server, $"{port}", name]) { RedirectStandardOutput = true })!;
        });
        _servers.Add(server);
        Assert.Equal("ready", await server.StandardOutput.ReadLineAsync());
    }
}
