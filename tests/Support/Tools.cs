using System.Diagnostics;
using Xunit;

namespace Lateen.Support;

/// <summary>
/// Programs of other projects that tests run against. Each is looked for in its environment variable, on PATH, and then in
/// the archives beside the corpora, from which it is unpacked once into a cache of this user; a test that needs one that is
/// nowhere is skipped.
/// </summary>
public static class Tools
{
    private static readonly Dictionary<string, string> VariableOf = new(StringComparer.Ordinal)
    {
        ["envoy"] = "ENVOY_PATH",
        ["etcd"] = "KUBEBUILDER_ASSETS",
        ["grpc-interop-client"] = "GRPC_INTEROP",
        ["grpc-interop-server"] = "GRPC_INTEROP",
        ["grpcurl"] = "GRPCURL_PATH",
        ["h2spec"] = "H2SPEC_PATH",
        ["jaeger-all-in-one"] = "JAEGER_PATH",
        ["kube-apiserver"] = "KUBEBUILDER_ASSETS",
        ["kube-controller-manager"] = "KUBEBUILDER_ASSETS",
        ["kube-scheduler"] = "KUBEBUILDER_ASSETS",
        ["kwok"] = "KWOK_PATH",
        ["opa"] = "OPA_PATH",
    };
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, string?> Known = new(StringComparer.Ordinal);

    /// <summary>Path of a program, or null when it is nowhere.</summary>
    public static string? Find(string name)
    {
        lock (Gate)
        {
            if (!Known.TryGetValue(name, out var path)) Known[name] = path = FromVariable(name) ?? FromPath(name) ?? FromArchive(name);
            return path;
        }
    }

    /// <summary>Path of a program; the test is skipped when it is nowhere.</summary>
    public static string Require(string name)
    {
        var path = Find(name);
        Assert.SkipWhen(path is null, $"{name} is not on this machine");
        return path!;
    }

    private static string? FromVariable(string name)
    {
        if (!VariableOf.TryGetValue(name, out var variable) || Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } given) return null;
        var inFolder = Path.Combine(given, name);
        return File.Exists(inFolder) ? inFolder : File.Exists(given) ? given : null;
    }

    private static string? FromPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static string? FromArchive(string name)
    {
        if (Corpora.SharedFolder is not { } shared) return null;
        var unpack = Path.Combine(shared, "tools", "unpack");
        if (!File.Exists(unpack) || !File.Exists(Path.Combine(shared, "tools", "archives", name + ".xz"))) return null;
        var cache = Path.Combine(Path.GetTempPath(), $"lateen-tools-{Environment.UserName}");
        Directory.CreateDirectory(cache);
        // Test executables run side by side: one unpacks, the others wait for it.
        using var turn = LockFile(Path.Combine(cache, ".lock"));
        var start = new ProcessStartInfo(unpack, [cache, name]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? Path.Combine(cache, name) : null;
    }

    private static FileStream LockFile(string path)
    {
        for (var deadline = DateTime.UtcNow.AddMinutes(2);;)
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (DateTime.UtcNow < deadline)
            {
                Thread.Sleep(100);
            }
    }
}
