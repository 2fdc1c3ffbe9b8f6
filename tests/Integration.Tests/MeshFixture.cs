using System.Net.NetworkInformation;
using System.Text.Json.Nodes;
using Lateen.Foundation.Interop;
using Lateen.Integration.Tests;
using Lateen.Support;
using Xunit;

[assembly: AssemblyFixture(typeof(MeshFixture))]

namespace Lateen.Integration.Tests;

/// <summary>
/// One mesh with Bookinfo, brought up by the command that users type, for all tests of this project. Tests skip where the machine
/// lacks what a mesh needs.
/// </summary>
public sealed class MeshFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private string? _missing;

    /// <summary>How long a test waits for what comes by itself: it costs nothing where the machine is fast.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>First loopback port of this mesh.</summary>
    public int PortBase { get; } = FreePortBase();

    /// <summary>Folder of the mesh's state.</summary>
    public string State => _folder.PathOf("mesh");

    /// <summary>kubeconfig of its API server.</summary>
    public string Kubeconfig => Path.Combine(State, "kubeconfig");

    /// <summary>URL of its ingress gateway.</summary>
    public string Gateway => $"http://127.0.0.1:{PortBase + 80}";

    /// <summary>What `up` printed.</summary>
    public string UpOutput { get; private set; } = "";

    /// <summary>Whether there is a mesh on this machine.</summary>
    public bool IsThere => _missing is null;

    /// <summary>Skips the test when there is no mesh on this machine, with the reason.</summary>
    public void Require() => Assert.SkipWhen(_missing is not null, _missing ?? "");

    /// <summary>kubectl against the mesh; its output, standard error included.</summary>
    public async Task<string> KubectlAsync(params string[] arguments)
    {
        using var process = await TryKubectlAsync(arguments);
        Assert.True(process.ExitCode == 0, $"kubectl {string.Join(' ', arguments)} ended with {process.ExitCode}: {process.Output}");
        return process.Output;
    }

    /// <summary>kubectl, whatever its outcome.</summary>
    public Task<LocalProcess> TryKubectlAsync(params string[] arguments) =>
        LocalProcess.RunAsync(Tools.Require("kubectl"), arguments, TimeSpan.FromSeconds(60), new Dictionary<string, string?> { ["KUBECONFIG"] = Kubeconfig });

    /// <summary>A command of meshd.</summary>
    public Task<LocalProcess> MeshdAsync(params string[] arguments) => LocalProcess.RunAsync(Meshd(), arguments, TimeSpan.FromMinutes(4));

    /// <summary>The process ids by name, from `status`.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ProcessesAsync()
    {
        using var status = await MeshdAsync("status", "--state", State, "-o", "json");
        return JsonNode.Parse(status.Output)!["processes"]!.AsArray().ToDictionary(process => (string)process!["name"]!, process => (int)process!["pid"]!);
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _missing = Posix.EffectiveUserId != 0 ? "network namespaces need root" : !File.Exists(Meshd()) ? "the programs are not published: run ./lateen build" : Missing("ip") ?? Missing("iptables") ?? Missing("kubectl");
        if (_missing is not null) return;
        using var up = await MeshdAsync("up", "--detach", "--state", State, "--port-base", $"{PortBase}");
        UpOutput = up.Output;
        if (up.ExitCode != 0) throw new InvalidOperationException($"`up` ended with {up.ExitCode}: {UpOutput}\n{Logs()}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_missing is null) (await MeshdAsync("down", "--state", State)).Dispose();
        _folder.Dispose();
    }

    private static string? Missing(string tool) => Tools.Find(tool) is null ? $"{tool} is not on this machine" : null;

    private static string Meshd() => Program("meshd");

    /// <summary>A published program.</summary>
    internal static string Program(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lateen.slnx"))) folder = folder.Parent!;
        return Path.Combine(folder.FullName, "artifacts", "publish", name, name);
    }

    private string Logs() => Directory.Exists(Path.Combine(State, "logs"))
        ? string.Concat(Directory.GetFiles(Path.Combine(State, "logs")).Select(file => $"--- {file}\n{string.Join('\n', File.ReadLines(file).TakeLast(15))}\n"))
        : "";

    /// <summary>A base below the ports that Linux gives to outgoing connections (32768 and up), so that none of those can be in the way.</summary>
    internal static int FreePortBase()
    {
        var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(listener => listener.Port).ToHashSet();
        return Enumerable.Range(10, 22).Select(thousands => thousands * 1000).First(start => !Enumerable.Range(start, 1000).Any(taken.Contains));
    }
}
