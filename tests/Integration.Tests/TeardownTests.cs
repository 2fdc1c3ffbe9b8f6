using System.Text.Json.Nodes;
using Lateen.Foundation.Interop;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>`down` leaves nothing of a mesh, not even after a crash of everything; a second mesh beside the first is no matter.</summary>
[Collection("mesh")]
public sealed class TeardownTests(MeshFixture mesh)
{
    [Fact]
    public async Task DownLeavesNothingAfterACrashOfEverything()
    {
        mesh.Require();
        using var folder = new TempFolder();
        var state = folder.PathOf("second");
        var before = await MachineTraces.ReadAsync();
        using var up = await mesh.MeshdAsync("up", "--detach", "--sample", "none", "--state", state, "--port-base", $"{MeshFixture.FreePortBase()}");
        Assert.True(up.ExitCode == 0, up.Output);
        using var status = await mesh.MeshdAsync("status", "--state", state, "-o", "json");
        var processes = JsonNode.Parse(status.Output)!["processes"]!.AsArray().Select(process => (int)process!["pid"]!).ToList();
        var during = OnlyOf(await MachineTraces.ReadAsync(), before, state, processes);
        Assert.True(during.Processes.Count > processes.Count, "the gateway's pod runs too");
        // The supervisor first, or it would start the others again.
        foreach (var pid in processes.Concat(during.Processes.Keys.Select(process => process.Pid))) Posix.Kill(pid, Posix.SigKill);
        using var down = await mesh.MeshdAsync("down", "--state", state);
        Assert.True(down.ExitCode == 0, down.Output);
        Assert.False(Directory.Exists(state));
        await Eventually.PassesAsync(async () => Assert.Empty((await MachineTraces.ReadAsync()).LeftOf(before, during)), MeshFixture.Patience);
        using var again = await mesh.MeshdAsync("down", "--state", state);
        Assert.Contains("no mesh is running", again.Output);
    }

    /// <summary>Leaves out what others on this machine started meanwhile: processes outside the mesh's tree, which its state folder or parents tell.</summary>
    private static MachineTraces OnlyOf(MachineTraces now, MachineTraces before, string state, IReadOnlyList<int> known)
    {
        var own = now.Processes.Keys.Where(process => !before.Processes.ContainsKey(process) && (known.Contains(process.Pid) || now.Processes[process].Contains(state, StringComparison.Ordinal))).Select(process => process.Pid).ToHashSet();
        for (var count = 0; count != own.Count;)
        {
            count = own.Count;
            own.UnionWith(now.Processes.Keys.Where(process => Parent(process.Pid) is { } parent && own.Contains(parent)).Select(process => process.Pid));
        }
        return now with { Processes = now.Processes.Where(process => own.Contains(process.Key.Pid)).ToDictionary() };
    }

    private static int? Parent(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
