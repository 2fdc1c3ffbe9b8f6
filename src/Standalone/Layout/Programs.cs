namespace Lateen.Standalone.Layout;

/// <summary>The executables, found beside this one: published folders lie side by side, build folders one level deeper.</summary>
public static class Programs
{
    /// <summary>Absolute path of meshd, sidecar, istioctl, bookinfo or httpbin.</summary>
    /// <exception cref="FileNotFoundException">It was not built.</exception>
    public static string Find(string name)
    {
        var own = AppContext.BaseDirectory.TrimEnd('/');
        var configuration = Path.GetFileName(own);
        foreach (var candidate in new[]
                 {
                     Path.Combine(own, name), Path.Combine(Path.GetDirectoryName(own)!, name, name),
                     Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(own)!)!, name, configuration, name),
                 })
            if (File.Exists(candidate))
                return candidate;
        throw new FileNotFoundException($"the program {name} is not built: run ./lateen build");
    }

    /// <summary>Environment of every process: small heaps, no profiling tiers, no diagnostics sockets left behind.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..")),
        ["DOTNET_EnableDiagnostics"] = "0",
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_TieredPGO"] = "0",
        // In milliseconds, in hexadecimal: methods are compiled again for speed once a process has been quiet for five seconds. All
        // processes of a mesh start together, and what is compiled twice meanwhile makes everybody wait.
        ["DOTNET_TC_CallCountingDelayMs"] = "1388",
        // Two processors give a pool of two: blocking steps at the start would hold up everything else for seconds.
        ["DOTNET_ThreadPool_ForceMinWorkerThreads"] = "20",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
    };
}
