using Xunit;

namespace Lateen.Support;

/// <summary>
/// Scripts of tests that run on Node.js with packages of npm, which are installed once into a cache of this user. A test that needs them
/// is skipped where Node.js or a package is not to be had.
/// </summary>
public static class NodePrograms
{
    private static readonly SemaphoreSlim Turn = new(1);

    /// <summary>Starts a script that may require these packages.</summary>
    public static async Task<LocalProcess> StartAsync(
        string script, IEnumerable<string> arguments, IReadOnlyList<string> packages, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var node = Tools.Require("node");
        var modules = await InstallAsync(packages);
        return LocalProcess.Start(node, [script, .. arguments], new Dictionary<string, string?>(environment ?? new Dictionary<string, string?>()) { ["NODE_PATH"] = modules });
    }

    private static async Task<string> InstallAsync(IReadOnlyList<string> packages)
    {
        await Turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            var folder = Path.Combine(Path.GetTempPath(), $"lateen-tools-{Environment.UserName}", string.Join("+", packages.Select(p => p[(p.LastIndexOf('/') + 1)..])));
            if (!File.Exists(Path.Combine(folder, ".installed")))
            {
                Directory.CreateDirectory(folder);
                using var install = await LocalProcess.RunAsync(
                    Tools.Require("npm"), ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", .. packages], TimeSpan.FromMinutes(2));
                Assert.SkipWhen(install.ExitCode != 0, $"npm could not install {string.Join(" and ", packages)}");
                await File.WriteAllTextAsync(Path.Combine(folder, ".installed"), "");
            }
            return Path.Combine(folder, "node_modules");
        }
        finally
        {
            Turn.Release();
        }
    }
}
