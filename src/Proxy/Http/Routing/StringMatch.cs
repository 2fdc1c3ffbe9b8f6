using System.Text;
using System.Text.RegularExpressions;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Routing;

/// <summary>
/// A compiled string matcher. Immutable. Source: envoy.type.matcher.v3.StringMatcher; regular expressions match the whole
/// text, in linear time.
/// </summary>
internal sealed class StringMatch
{
    private readonly byte[] _text;
    private readonly Kind _kind;
    private readonly bool _ignoreCase;
    private readonly Regex? _regex;

    private StringMatch(Kind kind, string text, bool ignoreCase, Regex? regex = null) =>
        (_kind, _text, _ignoreCase, _regex) = (kind, Encoding.UTF8.GetBytes(ignoreCase ? text.ToLowerInvariant() : text), ignoreCase, regex);

    private enum Kind
    {
        Exact,
        Prefix,
        Suffix,
        Contains,
        Regex,
    }

    public static StringMatch Exact(string text, bool ignoreCase = false) => new(Kind.Exact, text, ignoreCase);

    public static StringMatch Prefix(string text, bool ignoreCase = false) => new(Kind.Prefix, text, ignoreCase);

    public static StringMatch Suffix(string text, bool ignoreCase = false) => new(Kind.Suffix, text, ignoreCase);

    public static StringMatch Contains(string text, bool ignoreCase = false) => new(Kind.Contains, text, ignoreCase);

    /// <exception cref="ConfigRefusedException">The pattern cannot be compiled for linear time.</exception>
    public static StringMatch Regex(string pattern, string path) => new(Kind.Regex, "", false, SafeRegex.Compile(pattern, path));

    public static StringMatch From(Envoy.Type.Matcher.V3.StringMatcher matcher, string path) => matcher.MatchPatternCase switch
    {
        Envoy.Type.Matcher.V3.StringMatcher.MatchPatternOneofCase.Exact => Exact(matcher.Exact, matcher.IgnoreCase),
        Envoy.Type.Matcher.V3.StringMatcher.MatchPatternOneofCase.Prefix => Prefix(matcher.Prefix, matcher.IgnoreCase),
        Envoy.Type.Matcher.V3.StringMatcher.MatchPatternOneofCase.Suffix => Suffix(matcher.Suffix, matcher.IgnoreCase),
        Envoy.Type.Matcher.V3.StringMatcher.MatchPatternOneofCase.Contains => Contains(matcher.Contains, matcher.IgnoreCase),
        Envoy.Type.Matcher.V3.StringMatcher.MatchPatternOneofCase.SafeRegex => Regex(matcher.SafeRegex.Regex, path + ".safe_regex.regex"),
        _ => throw new ConfigRefusedException(path, $"the string matcher {matcher.MatchPatternCase} is not supported"),
    };

    public bool IsMatch(ReadOnlySpan<byte> text)
    {
        if (_kind == Kind.Regex) return SafeRegex.IsMatch(_regex!, text);
        if (_ignoreCase) return IsMatchLowered(text);
        return _kind switch
        {
            Kind.Exact => text.SequenceEqual(_text),
            Kind.Prefix => text.StartsWith(_text),
            Kind.Suffix => text.EndsWith(_text),
            _ => text.IndexOf(_text) >= 0,
        };
    }

    public bool IsMatch(string text)
    {
        Span<byte> small = stackalloc byte[512];
        return Encoding.UTF8.TryGetBytes(text, small, out var length) ? IsMatch(small[..length]) : IsMatch(Encoding.UTF8.GetBytes(text));
    }

    private bool IsMatchLowered(ReadOnlySpan<byte> text)
    {
        if (text.Length < _text.Length) return false;
        switch (_kind)
        {
            case Kind.Exact:
                return HttpText.EqualsIgnoreCase(text, _text);
            case Kind.Prefix:
                return HttpText.EqualsIgnoreCase(text[.._text.Length], _text);
            case Kind.Suffix:
                return HttpText.EqualsIgnoreCase(text[^_text.Length..], _text);
            default:
                for (var at = 0; at + _text.Length <= text.Length; at++)
                    if (HttpText.EqualsIgnoreCase(text.Slice(at, _text.Length), _text))
                        return true;
                return false;
        }
    }
}

/// <summary>Regular expressions of the configuration: RE2's language as far as .NET's non-backtracking engine shares it, whole text, linear time.</summary>
internal static class SafeRegex
{
    private const int LongestPattern = 64 * 1024;

    public static Regex Compile(string pattern, string path, bool wholeText = true)
    {
        if (pattern.Length > LongestPattern) throw new ConfigRefusedException(path, $"the regular expression has {pattern.Length} characters, {LongestPattern} are allowed");
        try
        {
            // Looked at by itself: "a)|(b" is no expression, but would become one, and one that is not anchored, inside the group.
            if (Foundation.Text.Re2Syntax.Check(pattern) is { } problem) throw new ConfigRefusedException(path, problem);
            var translated = Re2Translation.Of(pattern);
            return new Regex(wholeText ? $"\\A(?:{translated})\\z" : translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new ConfigRefusedException(path, $"the regular expression \"{pattern}\" is not valid: {e.Message}");
        }
    }

    public static bool IsMatch(Regex regex, ReadOnlySpan<byte> text)
    {
        Span<char> small = stackalloc char[512];
        if (text.Length <= small.Length) return regex.IsMatch(small[..Encoding.UTF8.GetChars(text, small)]);
        return regex.IsMatch(Encoding.UTF8.GetString(text));
    }
}
