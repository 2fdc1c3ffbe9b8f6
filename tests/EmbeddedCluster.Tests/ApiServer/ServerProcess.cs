using System.Net;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Foundation.Interop;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>The API server as a process of its own, so that it can be killed.</summary>
internal sealed class ServerProcess(TempFolder folder, int port) : IDisposable
{
    private LocalProcess? _process;

    public string Kubeconfig => folder.PathOf("kubeconfig");

    public async Task<ApiClient> StartAsync(params string[] more)
    {
        _process = LocalProcess.Start(Environment.ProcessPath!,
            ["cluster-apiserver", "--data-dir", folder.PathOf("state"), "--secure-port", $"{port}", "--kubeconfig-out", Kubeconfig, .. more]);
        using var nobody = new ApiClient(new Uri($"https://{new IPEndPoint(IPAddress.Loopback, port)}"), null);
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.False(_process.HasExited, _process.Output);
                return (await nobody.GetAsync("/readyz", "*/*")).Code == 200;
            },
            TimeSpan.FromSeconds(30), "the API server is ready");
        return new ApiClient(nobody.Url, await File.ReadAllTextAsync(folder.PathOf("state", "pki", "admin.token")));
    }

    public void Kill()
    {
        _process?.Signal(Posix.SigKill);
        _process?.Dispose();
        _process = null;
    }

    /// <summary>Asks it to stop; returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        _process!.Signal(Posix.SigTerm);
        await _process.WaitAsync(TimeSpan.FromSeconds(20));
        return _process.ExitCode;
    }

    public void Dispose() => Kill();
}
