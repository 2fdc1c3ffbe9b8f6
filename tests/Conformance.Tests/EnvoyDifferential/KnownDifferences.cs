using System.Text.RegularExpressions;

namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>Where the two proxies may differ, and why: each row takes a difference out of both sides before they are compared.</summary>
internal static partial class KnownDifferences
{
    private static readonly (string Reason, Func<string, string> Remove)[] Rows =
    [
        ("The realm of a challenge holds no query here: a token may have come in it.", text => Realm().Replace(text, "realm=\"\"")),
    ];

    public static bool Covers(string ours, string envoys)
    {
        foreach (var (_, remove) in Rows) (ours, envoys) = (remove(ours), remove(envoys));
        return ours == envoys;
    }

    [GeneratedRegex("realm=\"[^\"]*\"")]
    private static partial Regex Realm();
}
