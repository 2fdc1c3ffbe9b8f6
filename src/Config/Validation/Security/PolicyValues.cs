using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Security;

/// <summary>Lists of values in rules and conditions. Checks give null or the first problem.</summary>
internal static class PolicyValues
{
    private const int MaximumAccounts = 16;
    private const int MaximumAccount = 320;

    public static string? CheckNotEmpty(string key, IList<string> values) => values.Contains("") ? $"empty value not allowed, found in {key}" : null;

    /// <summary>Addresses or ranges: every bad one.</summary>
    public static void CheckIps(Check check, FieldPath at, IList<string> values)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i].Contains('/', StringComparison.Ordinal))
            {
                if (!Addresses.IsPrefix(values[i])) check.Error(at[i], $"bad CIDR range ({values[i]})");
            }
            else if (!Addresses.IsIp(values[i]))
            {
                check.Error(at[i], $"bad IP address ({values[i]})");
            }
        }
    }

    /// <summary>Ports as text, zero included.</summary>
    public static void CheckPorts(Check check, FieldPath at, IList<string> values)
    {
        for (var i = 0; i < values.Count; i++)
            if (!IsPort(values[i]))
                check.Error(at[i], $"bad port ({values[i]})");
    }

    public static bool IsPort(string text) => text.Length > 0 && text.All(char.IsAsciiDigit) && text.TrimStart('0').Length <= 5 && int.Parse("0" + text.TrimStart('0'), System.Globalization.CultureInfo.InvariantCulture) <= 65535;

    public static string? CheckServiceAccounts(string key, IList<string> values)
    {
        if (values.Count > MaximumAccounts) return "may not have more than 16 values";
        foreach (var value in values)
        {
            if (value.Length == 0) return $"empty value not allowed, found in {key}";
            if (value.Contains('*', StringComparison.Ordinal)) return $"wildcard not allowed, found in {key}";
            const string Expected = "expected format 'serviceAccount' or 'namespace/serviceAccount', found";
            var parts = value.Split('/');
            if (parts.Length > 2) return $"{Expected} {GoText.Quote(value)} in {key}";
            if (value.Length > MaximumAccount) return $"value cannot exceed 320 characters, found {GoText.Quote(value)} in {key}";
            if (parts.Length == 2 && parts[0].Length == 0) return $"{Expected} empty namespace {GoText.Quote(value)} in {key}";
            if (parts.Length == 2 && parts[1].Length == 0) return $"{Expected} empty serviceAccount {GoText.Quote(value)} in {key}";
        }
        return null;
    }

    public static string? CheckWildcards(string key, IList<string> values)
    {
        if (CheckNotEmpty(key, values) is { } empty) return empty;
        foreach (var value in values)
        {
            var stars = value.Count(c => c == '*');
            if (stars > 1) return $"at most one wildcard is allowed, found in {key}: {GoText.Quote(value)}";
            if (stars == 1 && value[0] != '*' && value[^1] != '*') return $"wildcard is only allowed at the start or end, found in {key}: {GoText.Quote(value)}";
        }
        return null;
    }

    public static string? CheckTrustDomains(string key, IList<string> values) =>
        CheckWildcards(key, values)
        ?? (values.FirstOrDefault(value => value.Contains('/', StringComparison.Ordinal)) is { } bad ? $"trust domain must not contain '/', found in {key}: {GoText.Quote(bad)}" : null);

    /// <summary><c>{*}</c> is one segment, <c>{**}</c> the rest; nothing else may be in braces.</summary>
    public static string? CheckPathTemplates(string key, IList<string> paths)
    {
        foreach (var original in paths)
        {
            var isTemplate = original.Contains("{*}", StringComparison.Ordinal) || original.Contains("{**}", StringComparison.Ordinal);
            var path = original.Trim('/');
            var ended = false;
            foreach (var segment in path.Split('/'))
            {
                if (segment is "{*}" or "{**}")
                {
                    if (ended) return $"invalid or unsupported path {path}, found in {key}. {{**}} is not the last operator";
                    ended = segment == "{**}";
                    continue;
                }
                if (segment.AsSpan().ContainsAny('{', '}')) return $"invalid or unsupported path {path}, found in {key}. Contains '{{' or '}}' beyond a supported path template";
                if (isTemplate && !IsLiteral(segment)) return $"invalid or unsupported path {path}, found in {key}. Contains segment {segment} with invalid string literal";
            }
        }
        return null;
    }

    /// <summary>Characters of a path segment (RFC 3986, appendix A) but the star.</summary>
    private static bool IsLiteral(string segment) =>
        segment.Length > 0 && segment.All(c => char.IsAsciiLetterOrDigit(c) || "-._~%!$&'()+,;:@=".Contains(c, StringComparison.Ordinal));
}
