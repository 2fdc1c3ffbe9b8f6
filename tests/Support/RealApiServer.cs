using System.Security.Cryptography;
using Lateen.Foundation.Interop;
using Xunit;

namespace Lateen.Support;

/// <summary>
/// The real kube-apiserver on an etcd of its own, both on loopback with free ports; gone with the test. Tests are skipped
/// where the programs are missing.
/// </summary>
public sealed class RealApiServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();
    private readonly int[] _ports = FreePorts.Many(3);
    private readonly string _server;
    private LocalProcess? _etcd;
    private LocalProcess? _api;

    private RealApiServer(string server) => _server = server;

    /// <summary>Base URL; its certificate is self-signed.</summary>
    public Uri Url => new($"https://127.0.0.1:{_ports[2]}");

    /// <summary>Bearer token of a member of system:masters.</summary>
    public string Token { get; } = "test-" + Convert.ToHexString(RandomNumberGenerator.GetBytes(8));

    /// <summary>A kubeconfig file for the server.</summary>
    public string Kubeconfig => _folder.PathOf("kubeconfig");

    /// <summary>What the server wrote so far.</summary>
    public string Output => _api?.Output ?? "";

    /// <summary>Starts both and waits until the server is ready.</summary>
    public static async Task<RealApiServer> StartAsync()
    {
        var etcd = Tools.Require("etcd");
        var server = new RealApiServer(Tools.Require("kube-apiserver"));
        try
        {
            await server.StartEtcdAsync(etcd);
            await server.StartServerAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills the server and starts it again on the same port and data.</summary>
    public async Task RestartAsync()
    {
        Stop();
        await StartServerAsync();
    }

    /// <summary>Kills the server; etcd stays.</summary>
    public void Stop()
    {
        _api?.Signal(Posix.SigKill);
        _api?.Dispose();
        _api = null;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        // Without etcd the server would never end by itself: it goes first.
        Stop();
        _etcd?.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Starts the server after <see cref="Stop"/>.</summary>
    public async Task StartServerAsync()
    {
        _api = LocalProcess.Start(_server,
        [
            $"--etcd-servers=http://127.0.0.1:{_ports[0]}", "--bind-address=127.0.0.1", $"--secure-port={_ports[2]}", $"--cert-dir={_folder.PathOf("certs")}",
            $"--service-account-key-file={_folder.PathOf("sa.key")}", $"--service-account-signing-key-file={_folder.PathOf("sa.key")}",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
            $"--token-auth-file={_folder.PathOf("tokens.csv")}", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount",
        ]);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        });
        http.DefaultRequestHeaders.Authorization = new("Bearer", Token);
        await Eventually.TrueAsync(
            async () =>
            {
                if (_api.HasExited) Assert.Fail($"kube-apiserver ended:\n{_api.Output}");
                using var answer = await http.GetAsync(new Uri(Url, "/readyz"));
                return answer.IsSuccessStatusCode;
            },
            StartLimit, "kube-apiserver is ready");
    }

    private async Task StartEtcdAsync(string etcd)
    {
        using var key = RSA.Create(2048);
        _folder.Write("sa.key", key.ExportRSAPrivateKeyPem());
        _folder.Write("tokens.csv", $"{Token},admin,1,system:masters\n");
        _folder.Write("kubeconfig", $$$"""
            apiVersion: v1
            kind: Config
            current-context: test
            contexts: [{name: test, context: {cluster: test, user: admin} }]
            clusters: [{name: test, cluster: {server: "{{{Url}}}", insecure-skip-tls-verify: true} }]
            users: [{name: admin, user: {token: "{{{Token}}}" } }]
            """);
        _etcd = LocalProcess.Start(etcd,
        [
            "--data-dir", _folder.PathOf("etcd"), "--listen-client-urls", $"http://127.0.0.1:{_ports[0]}", "--advertise-client-urls", $"http://127.0.0.1:{_ports[0]}",
            "--listen-peer-urls", $"http://127.0.0.1:{_ports[1]}", "--unsafe-no-fsync",
        ]);
        using var http = new HttpClient();
        await Eventually.TrueAsync(
            async () =>
            {
                if (_etcd.HasExited) Assert.Fail($"etcd ended:\n{_etcd.Output}");
                return (await http.GetStringAsync($"http://127.0.0.1:{_ports[0]}/health")).Contains("true", StringComparison.Ordinal);
            },
            StartLimit, "etcd is healthy");
    }
}
