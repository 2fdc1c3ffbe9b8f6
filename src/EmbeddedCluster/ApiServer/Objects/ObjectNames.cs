using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Schemas;

namespace Lateen.EmbeddedCluster.ApiServer.Objects;

/// <summary>The rules for names, labels and annotations, in Kubernetes' words (apimachinery's validation package).</summary>
internal static partial class ObjectNames
{
    private const string LabelShape = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string KeyShape = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
    private const string SuffixLetters = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>A generated name: the prefix, shortened to fit, and five random letters.</summary>
    public static string Generate(string prefix) => (prefix.Length > 58 ? prefix[..58] : prefix) + RandomNumberGenerator.GetString(SuffixLetters, 5);

    /// <summary>What is wrong with a name, null for nothing.</summary>
    public static string? Problem(string name, NameRule rule) => rule switch
    {
        NameRule.Label => Label(name),
        NameRule.Label1035 => Label1035(name),
        NameRule.PathSegment => PathSegment(name),
        _ => Subdomain(name),
    };

    public static string? Subdomain(string name) =>
        name.Length > 253 ? "must be no more than 253 characters" : SubdomainPattern().IsMatch(name) ? null
        : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
          + $"(e.g. 'example.com', regex used for validation is '{LabelShape}(\\.{LabelShape})*')";

    public static string? Label(string name) =>
        name.Length > 63 ? "must be no more than 63 characters" : LabelPattern().IsMatch(name) ? null
        : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
          + $"(e.g. 'my-name',  or '123-abc', regex used for validation is '{LabelShape}')";

    public static string? Label1035(string name) =>
        name.Length > 63 ? "must be no more than 63 characters" : Label1035Pattern().IsMatch(name) ? null
        : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character "
          + "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    public static string? PathSegment(string name) => name is "." or ".." ? $"may not be '{name}'"
        : name.Contains('/') ? "may not contain '/'" : name.Contains('%') ? "may not contain '%'" : null;

    /// <summary>What is wrong with a label's or annotation's key.</summary>
    public static string? QualifiedName(string key)
    {
        var slash = key.IndexOf('/');
        if (slash == 0) return "prefix part must be non-empty";
        if (slash > 0 && Subdomain(key[..slash]) is { } problem) return "prefix part " + problem;
        var name = key[(slash + 1)..];
        if (name.Length == 0) return "name part must be non-empty";
        if (name.Length > 63) return "name part must be no more than 63 characters";
        return KeyPattern().IsMatch(name) ? null
            : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
              + $"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{KeyShape}')";
    }

    /// <summary>What is wrong with a label's value.</summary>
    public static string? LabelValue(string value) =>
        value.Length > 63 ? "must be no more than 63 bytes" : value.Length == 0 || KeyPattern().IsMatch(value) ? null
        : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
          + $"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({KeyShape})?')";

    /// <summary>Checks a map of labels.</summary>
    public static void CheckLabels(System.Text.Json.Nodes.JsonObject? labels, string path, FieldProblems problems)
    {
        foreach (var (key, value) in labels ?? [])
        {
            if (QualifiedName(key) is { } bad) problems.Invalid(path, key, bad);
            if (value is not System.Text.Json.Nodes.JsonValue scalar || !scalar.TryGetValue<string>(out var text)) continue;
            if (LabelValue(text) is { } wrong) problems.Invalid(path, text, wrong);
        }
    }

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z", RegexOptions.NonBacktracking)]
    private static partial Regex SubdomainPattern();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"^[a-z]([-a-z0-9]*[a-z0-9])?\z")]
    private static partial Regex Label1035Pattern();

    [GeneratedRegex(@"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\z")]
    private static partial Regex KeyPattern();
}
