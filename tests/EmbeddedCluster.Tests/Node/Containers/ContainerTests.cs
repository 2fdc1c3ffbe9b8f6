using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Processes;
using Lateen.Foundation.Interop;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Node.Containers;

/// <summary>Containers as real processes in real namespaces; needs root.</summary>
public sealed class ContainerTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-test-").FullName;
    private readonly NetworkNamespace _space = new($"lateen-test-{Guid.NewGuid():n}"[..24]);
    private readonly ProcessExits _exits = new();
    private ProcessIdentity? _process;

    [Fact]
    public async Task AProgramRunsInNamespacesOfItsOwn()
    {
        await RunAsync("hostname; [ $$ -lt 20 ] && echo own pids; set -- /proc/[0-9]*; echo $#; cat /etc/resolv.conf; ip -o link | wc -l");
        Assert.Equal("pod-a\nown pids\n2\nnameserver 10.96.0.10\n1\n", ReadLog());
    }

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -KILL $$", 137)]
    [InlineData("no-such-program", 127)]
    public async Task TheExitCodeIsKept(string script, int code)
    {
        await RunAsync(script);
        Assert.Equal(code, Folder.TryReadExitCode());
    }

    [Fact]
    public async Task WhatAContainerWritesStaysInIt()
    {
        var name = "/etc/" + Path.GetFileName(_folder);
        await RunAsync($"echo hello > {name}; cat {name}; touch /tmp{name[4..]}x; [ -e /run/container ] || echo hidden");
        Assert.Equal("hello\nhidden\n", ReadLog());
        Assert.False(File.Exists(name));
        Assert.False(File.Exists("/tmp" + name[4..] + "x"));
    }

    [Fact]
    public async Task VolumesAppearWhereTheMachineHasNoFolder()
    {
        Directory.CreateDirectory($"{_folder}/volume");
        File.WriteAllText($"{_folder}/volume/key", "value");
        await RunAsync("cat /var/run/secrets/tokens/key; echo new > /data/deep/file; echo no > /var/run/secrets/tokens/other", plan => plan with
        {
            Mounts = [new($"{_folder}/volume", "/var/run/secrets/tokens", true), new($"{_folder}/volume", "/data/deep", false)],
        });
        Assert.StartsWith("value", ReadLog());
        Assert.Contains("Read-only file system", ReadLog());
        Assert.Equal("new\n", File.ReadAllText($"{_folder}/volume/file"));
        Assert.False(Directory.Exists("/data/deep"));
    }

    [Fact]
    public async Task AnotherUserMayPrintToTheOutputByName()
    {
        await RunAsync("id -u; id -g; echo by name > /dev/stdout", plan => plan with { User = 1337, Group = 1337 });
        Assert.Equal("1337\n1337\nby name\n", ReadLog());
    }

    [Fact]
    public async Task ASignalReachesTheProgram()
    {
        await StartAsync("trap 'echo stopping; exit 3' TERM; echo ready; while :; do sleep 0.05; done");
        await Until(() => ReadLog() == "ready\n");
        _process!.Signal(Posix.SigTerm);
        await _exits.WhenExited(_process).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(3, Folder.TryReadExitCode());
        await Until(() => ReadLog() == "ready\nstopping\n");
    }

    [Fact]
    public async Task KillingTheFirstProcessEndsEveryOther()
    {
        await StartAsync("setsid sleep 1000 & setsid sleep 1000 & echo ready; wait");
        await Until(() => ReadLog() == "ready\n");
        var inside = ProcessesInside();
        Assert.True(inside.Count >= 4, $"{inside.Count} processes");
        _process!.Signal(Posix.SigKill);
        await Until(() => ProcessesInside().Count == 0);
        Assert.Null(Folder.TryReadExitCode());
    }

    [Fact]
    public async Task AFurtherProgramRunsInside()
    {
        await StartAsync("echo inside > /etc/mark; echo ready; sleep 1000");
        await Until(() => ReadLog() == "ready\n");
        using var process = await ContainerExec.StartAsync(Plan("") with { User = 1337, Group = 1337 }, _process!, ["sh", "-c", "cat /etc/mark; id -u; cat; exit 5"]);
        await process.StandardInput.WriteAsync("typed");
        process.StandardInput.Close();
        Assert.Equal("inside\n1337\ntyped", await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(5, process.ExitCode);
    }

    [Fact]
    public async Task AFurtherProgramMayHaveATerminal()
    {
        await StartAsync("echo ready; sleep 1000");
        await Until(() => ReadLog() == "ready\n");
        using var terminal = PseudoTerminal.Open();
        terminal.Resize(91, 17);
        using var process = await ContainerExec.StartAsync(Plan(""), _process!, ["sh", "-c", "tty; stty size"], terminal);
        var text = "";
        var buffer = new byte[256];
        while (terminal.Read(buffer) is > 0 and var count) text += System.Text.Encoding.UTF8.GetString(buffer, 0, count);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal($"{terminal.Terminal}\r\n17 91\r\n", text);
    }

    public async ValueTask InitializeAsync()
    {
        if (Posix.EffectiveUserId != 0) Assert.Skip("namespaces need root");
        await _space.CreateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _process?.Signal(Posix.SigKill);
        if (_process is not null) await _exits.WhenExited(_process);
        _exits.Dispose();
        await _space.DeleteAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private ContainerFolder Folder => ContainerFolder.Of(_folder, "main", 0);

    private ContainerPlan Plan(string script) => new()
    {
        Folder = Folder.Path,
        NetworkNamespacePath = _space.Path,
        HostName = "pod-a",
        Command = ["sh", "-c", script],
        Environment = new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" },
        WorkingDir = "/",
        User = 0,
        Group = 0,
        Files = new Dictionary<string, string> { ["/etc/resolv.conf"] = "nameserver 10.96.0.10\n" },
    };

    private async Task StartAsync(string script, Func<ContainerPlan, ContainerPlan>? change = null)
    {
        var plan = Plan(script);
        Folder.Create(withInput: false);
        _process = await ContainerLauncher.StartAsync(change?.Invoke(plan) ?? plan);
    }

    private async Task RunAsync(string script, Func<ContainerPlan, ContainerPlan>? change = null)
    {
        await StartAsync(script, change);
        await _exits.WhenExited(_process!).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        // The logger ends a moment after the container.
        await Until(() => !Loggers().Any());
    }

    private string ReadLog() => File.Exists(Folder.Log) ? File.ReadAllText(Folder.Log) : "";

    private IEnumerable<string> Loggers() => Directory.EnumerateDirectories("/proc").Where(process => ReadOrEmpty($"{process}/cmdline").Contains($"cat\0{Folder.Output}", StringComparison.Ordinal));

    private List<string> ProcessesInside() => [.. Directory.EnumerateDirectories("/proc").Where(process => Path.GetFileName(process).All(char.IsAsciiDigit) && InSpace(process))];

    private bool InSpace(string process)
    {
        try
        {
            return new FileInfo($"{process}/ns/net").LinkTarget == _link;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private string _link => field ??= $"net:[{LocalCommand.RunAsync("stat", ["-c", "%i", _space.Path]).Result.Trim()}]";

    private static string ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task Until(Func<bool> condition)
    {
        var deadline = DateTime.UtcNow.AddSeconds(10);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "condition not met in 10 s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
