using System.Reflection;
using System.Runtime.InteropServices;

namespace Lateen.Foundation.Cli;

/// <summary>What was built, in the fields of Istio's build info (inventory COM-3). Immutable.</summary>
/// <param name="Version">Release.</param>
/// <param name="Revision">Revision of the sources, or "unknown".</param>
/// <param name="Runtime">The .NET runtime that runs it.</param>
/// <param name="Status">"Clean", or "Modified" for a build whose revision is not known.</param>
public sealed record BuildVersion(string Version, string Revision, string Runtime, string Status)
{
    /// <summary>Of the running program.</summary>
    public static BuildVersion Current { get; } = Read();

    /// <summary>One line: version, revision and status.</summary>
    public override string ToString() => $"{Version}-{Revision}-{Status}";

    private static BuildVersion Read()
    {
        var text = typeof(BuildVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
        var (version, revision) = text.Split('+', 2) is [var v, var r] ? (v, r) : (text, "unknown");
        return new BuildVersion(version, revision, RuntimeInformation.FrameworkDescription, revision == "unknown" ? "Modified" : "Clean");
    }
}
