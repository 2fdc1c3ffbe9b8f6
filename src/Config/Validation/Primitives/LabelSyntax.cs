using Google.Protobuf.Collections;
using Lateen.Config.Reading;

namespace Lateen.Config.Validation.Primitives;

/// <summary>Labels that select workloads.</summary>
internal static class LabelSyntax
{
    private const int MaximumName = 63;
    private const int MaximumPrefix = 253;

    /// <summary>Keys and values as Kubernetes has them; 1.1 was content with their characters.</summary>
    public static void Validate(Check check, FieldPath at, MapField<string, string> labels)
    {
        foreach (var (key, value) in labels)
        {
            check.Error(at.Key(key), check.Original ? CheckOriginal(key, "key") : CheckKey(key));
            if (check.Original) check.Error(at.Key(key), CheckOriginal(value, "value"));
            else if (value.Length > 0 && !IsQualified(value)) check.Error(at.Key(key), $"invalid tag value: {GoText.Quote(value)}");
        }
    }

    /// <summary>A selector: no empty keys, no wildcards.</summary>
    public static void ValidateSelector(Check check, FieldPath at, MapField<string, string> labels)
    {
        foreach (var (key, value) in labels)
        {
            if (key.Length == 0) check.Error(at, $"empty key is not supported in selector: {GoText.Quote($"{key}={value}")}");
            if (key.Contains('*', StringComparison.Ordinal) || value.Contains('*', StringComparison.Ordinal))
                check.Error(at.Key(key), $"wildcard is not supported in selector: {GoText.Quote($"{key}={value}")}");
        }
    }

    private static string? CheckKey(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = slash < 0 ? key : key[(slash + 1)..];
        if (slash >= 0 && !key[..slash].Split('.').All(part => IsLoosePrefixPart(part))) return $"invalid tag key: {GoText.Quote(key)}";
        if (!IsQualified(name)) return $"invalid tag key: {GoText.Quote(key)}";
        if (slash > MaximumPrefix) return $"invalid tag key: {GoText.Quote(key)} (DNS prefix is too long)";
        return name.Length > MaximumName ? $"invalid tag key: {GoText.Quote(key)} (name is too long)" : null;
    }

    private static bool IsLoosePrefixPart(string part) =>
        part.Length > 0 && char.IsAsciiLetterOrDigit(part[0]) && char.IsAsciiLetterOrDigit(part[^1]) && part.All(c => c == '-' || char.IsAsciiLetterOrDigit(c));

    private static bool IsQualified(string text) =>
        text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1])
        && text.All(c => c is '-' or '_' or '.' || char.IsAsciiLetterOrDigit(c));

    private static string? CheckOriginal(string text, string what) =>
        text.All(c => c is '-' or '_' or '.' or '/' || char.IsAsciiLetterOrDigit(c)) ? null : $"invalid tag {what}: {GoText.Quote(text)}";
}
