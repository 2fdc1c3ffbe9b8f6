using System.Text.RegularExpressions;
using Xunit;

namespace Lateen.Architecture.Tests;

/// <summary>Rules about the text of the sources that no analyzer states.</summary>
public sealed partial class SourceRuleTests
{
    [Fact]
    public void NativeCodeIsCalledOnlyFromInteropFolders()
    {
        foreach (var file in Repository.Sources("src").Concat(Repository.Sources("apps")))
            if (!file.Contains("/Interop/", StringComparison.Ordinal))
                Assert.False(NativeImport().IsMatch(File.ReadAllText(file)), $"{file} calls native code outside an Interop folder");
    }

    [Fact]
    public void NamespacesFollowFolders()
    {
        foreach (var file in Repository.Sources("src"))
        {
            var declared = Namespace().Match(File.ReadAllText(file));
            if (!declared.Success) continue;
            var folder = Path.GetRelativePath(Path.Combine(Repository.Root, "src"), Path.GetDirectoryName(file)!);
            Assert.Equal("Lateen." + folder.Replace('/', '.'), declared.Groups[1].Value);
        }
    }

    [Fact]
    public void TypesAreNotNamedAfterNothing()
    {
        foreach (var file in Repository.Sources("src"))
        {
            var name = VagueType().Match(File.ReadAllText(file));
            Assert.False(name.Success, $"{file}: {name.Value} says nothing about what the type is");
        }
    }

    [GeneratedRegex(@"^\s*\[(LibraryImport|DllImport)\(", RegexOptions.Multiline)]
    private static partial Regex NativeImport();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\b(class|struct|record|interface) \w*(Manager|Helper|Helpers|Util|Utils|Utilities|Common)\b")]
    private static partial Regex VagueType();
}
