using Lateen.Support;

namespace Lateen.Rpc.Tests.Interop;

/// <summary>
/// npm's <c>@grpc/grpc-js</c>, another implementation of gRPC than that of the interoperability programs. Installed once into a cache of
/// this user; a test that needs it is skipped where Node.js or the package is not to be had.
/// </summary>
internal static class NodePeer
{
    private static readonly SemaphoreSlim Turn = new(1);
    private static string? _folder;

    /// <summary>Starts one of the scripts of <c>Peers</c>.</summary>
    public static async Task<LocalProcess> StartAsync(string script, params string[] arguments)
    {
        var node = Tools.Require("node");
        var folder = await RequirePackageAsync();
        var built = AppContext.BaseDirectory;
        return LocalProcess.Start(node, [Path.Combine(built, "Peers", script), Path.Combine(built, "Protos", "interop.proto"), .. arguments], new Dictionary<string, string?> { ["NODE_PATH"] = Path.Combine(folder, "node_modules") });
    }

    private static async Task<string> RequirePackageAsync()
    {
        await Turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            var folder = _folder ?? Path.Combine(Path.GetTempPath(), $"lateen-tools-{Environment.UserName}", "grpc-js");
            if (!File.Exists(Path.Combine(folder, ".installed")))
            {
                Directory.CreateDirectory(folder);
                using var install = await LocalProcess.RunAsync(Tools.Require("npm"), ["install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", "@grpc/grpc-js", "@grpc/proto-loader"], TimeSpan.FromMinutes(2));
                Assert.SkipWhen(install.ExitCode != 0, "npm could not install @grpc/grpc-js");
                await File.WriteAllTextAsync(Path.Combine(folder, ".installed"), "");
            }
            return _folder = folder;
        }
        finally
        {
            Turn.Release();
        }
    }
}
