using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Lateen.EmbeddedCluster.Schemas.Expressions;

/// <summary>The functions of expressions: CEL's own and those that Kubernetes adds (k8s.io/apiserver's cel library). Pure.</summary>
internal static partial class ExpressionFunctions
{
    private static readonly ConcurrentDictionary<string, Regex> Patterns = new();

    /// <summary>Functions that are called by name alone.</summary>
    public static readonly string[] Globals =
        ["size", "int", "uint", "double", "string", "bool", "duration", "timestamp", "url", "isURL", "isIP", "matches", "dyn", "type"];

    /// <summary>Functions that are called on a value.</summary>
    public static readonly string[] Methods =
    [
        "size", "contains", "startsWith", "endsWith", "matches", "split", "join", "lowerAscii", "upperAscii", "replace", "trim", "substring", "indexOf", "lastIndexOf",
        "find", "findAll", "charAt", "getScheme", "getHost", "getHostname", "getPort", "getEscapedPath", "getQuery", "sum", "min", "max", "isSorted", "getSeconds", "getMilliseconds",
    ];

    public static object? Call(string name, object?[] arguments, bool method) => method ? Method(name, arguments) : Global(name, arguments);

    private static object? Global(string name, object?[] arguments) => (name, arguments) switch
    {
        ("size", [var value]) => Size(value),
        ("int", [long value]) => value,
        ("int", [double value]) => (long)value,
        ("int", [string text]) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : throw Unsuitable(),
        ("uint", [long value]) when value >= 0 => value,
        ("double", [long value]) => (double)value,
        ("double", [double value]) => value,
        ("double", [string text]) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? real : throw Unsuitable(),
        ("string", [var value]) => Text(value),
        ("bool", [bool value]) => value,
        ("bool", [string text]) => text switch { "true" => true, "false" => false, _ => throw Unsuitable() },
        ("duration", [TimeSpan value]) => value,
        ("duration", [string text]) => Duration(text),
        ("timestamp", [string text]) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : throw Unsuitable(),
        ("url", [string text]) => Url(text) ?? throw new ExpressionValueException($"URL parse error during conversion from string: parse \"{text}\": invalid URI for request"),
        ("isURL", [string text]) => Url(text) is not null,
        ("isIP", [string text]) => IPAddress.TryParse(text, out _),
        ("matches", [string text, string pattern]) => Pattern(pattern).IsMatch(text),
        ("dyn", [var value]) => value,
        ("type", [var value]) => value switch { null => "null_type", long => "int", double => "double", bool => "bool", string => "string", _ => ExpressionValues.List(value) is null ? "map" : "list" },
        _ => throw Unsuitable(),
    };

    private static object? Method(string name, object?[] arguments) => (name, arguments) switch
    {
        ("size", [var value]) => Size(value),
        ("contains", [string text, string part]) => text.Contains(part, StringComparison.Ordinal),
        ("startsWith", [string text, string part]) => text.StartsWith(part, StringComparison.Ordinal),
        ("endsWith", [string text, string part]) => text.EndsWith(part, StringComparison.Ordinal),
        ("matches", [string text, string pattern]) => Pattern(pattern).IsMatch(text),
        ("split", [string text, string separator]) => Split(text, separator, -1),
        ("split", [string text, string separator, long count]) => Split(text, separator, count),
        ("join", [var list]) => string.Concat(Texts(list)),
        ("join", [var list, string separator]) => string.Join(separator, Texts(list)),
        ("lowerAscii", [string text]) => text.ToLowerInvariant(),
        ("upperAscii", [string text]) => text.ToUpperInvariant(),
        ("replace", [string text, string from, string to]) => from.Length == 0 ? text : text.Replace(from, to, StringComparison.Ordinal),
        ("trim", [string text]) => text.Trim(),
        ("substring", [string text, long from]) => Part(text, from, text.Length),
        ("substring", [string text, long from, long to]) => Part(text, from, to),
        ("charAt", [string text, long at]) => Part(text, at, Math.Min(at + 1, text.Length)),
        ("indexOf", [string text, string part]) => (long)text.IndexOf(part, StringComparison.Ordinal),
        ("lastIndexOf", [string text, string part]) => (long)text.LastIndexOf(part, StringComparison.Ordinal),
        ("find", [string text, string pattern]) => Pattern(pattern).Match(text).Value,
        ("findAll", [string text, string pattern]) => Pattern(pattern).Matches(text).Select(match => (object?)match.Value).ToList(),
        ("getScheme", [Uri url]) => url.IsAbsoluteUri ? url.Scheme : "",
        ("getHost", [Uri url]) => !url.IsAbsoluteUri ? "" : url.IsDefaultPort ? url.Host : url.Authority,
        ("getHostname", [Uri url]) => url.IsAbsoluteUri ? url.Host.Trim('[', ']') : "",
        ("getPort", [Uri url]) => !url.IsAbsoluteUri || url.IsDefaultPort ? "" : url.Port.ToString(CultureInfo.InvariantCulture),
        ("getEscapedPath", [Uri url]) => url.IsAbsoluteUri ? url.AbsolutePath : url.OriginalString,
        ("getSeconds", [TimeSpan time]) => (long)time.TotalSeconds,
        ("getMilliseconds", [TimeSpan time]) => (long)time.TotalMilliseconds,
        ("indexOf", [var list, var item]) when ExpressionValues.List(list) is { } items => (long)items.ToList().FindIndex(other => ExpressionValues.Equals(other, item)),
        ("sum", [var list]) when ExpressionValues.List(list) is { } items => items.Aggregate((object?)0L, (sum, item) => ExpressionValues.Binary("+", sum, item)),
        ("min", [var list]) when ExpressionValues.List(list) is { Count: > 0 } items => items.Aggregate((one, two) => Lower(two, one) ? two : one),
        ("max", [var list]) when ExpressionValues.List(list) is { Count: > 0 } items => items.Aggregate((one, two) => Lower(one, two) ? two : one),
        ("isSorted", [var list]) when ExpressionValues.List(list) is { } items => items.Zip(items.Skip(1)).All(pair => !Lower(pair.Second, pair.First)),
        _ => throw Unsuitable(),
    };

    private static bool Lower(object? left, object? right) => ExpressionValues.Binary("<", left, right) is true;

    private static long Size(object? value) => value switch
    {
        string text => text.EnumerateRunes().Count(),
        System.Text.Json.Nodes.JsonObject map => map.Count,
        Dictionary<string, object?> map => map.Count,
        _ => ExpressionValues.List(value)?.Count ?? throw Unsuitable(),
    };

    private static string Text(object? value) => value switch
    {
        string text => text,
        bool truth => truth ? "true" : "false",
        long whole => whole.ToString(CultureInfo.InvariantCulture),
        double real => real.ToString("R", CultureInfo.InvariantCulture),
        TimeSpan time => time.TotalSeconds.ToString("R", CultureInfo.InvariantCulture) + "s",
        _ => throw Unsuitable(),
    };

    private static List<object?> Split(string text, string separator, long count)
    {
        if (count == 0) return [];
        if (separator.Length == 0) return [.. text.EnumerateRunes().Select(rune => (object?)rune.ToString())];
        return [.. count < 0 ? text.Split(separator) : text.Split(separator, (int)Math.Min(count, int.MaxValue))];
    }

    private static IEnumerable<string> Texts(object? list) =>
        (ExpressionValues.List(list) ?? throw Unsuitable()).Select(item => item as string ?? throw Unsuitable());

    private static string Part(string text, long from, long to) =>
        from >= 0 && to <= text.Length && from <= to ? text[(int)from..(int)to] : throw new ExpressionValueException($"index out of range: {from}");

    private static Uri? Url(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && !url.IsFile ? url
        : text.StartsWith('/') && Uri.TryCreate(text, UriKind.Relative, out var path) ? path : null;

    private static Regex Pattern(string pattern)
    {
        try
        {
            if (Patterns.Count > 500) Patterns.Clear();
            return Patterns.GetOrAdd(pattern, CustomSchemaReader.CompilePattern);
        }
        catch (ArgumentException wrong)
        {
            throw new ExpressionValueException($"error parsing regexp: {wrong.Message}");
        }
    }

    /// <summary>A duration as Go writes it: 1h2m3.5s, 100ms.</summary>
    private static TimeSpan Duration(string text)
    {
        var match = DurationPattern().Match(text);
        if (!match.Success || text.Length == 0) throw new ExpressionValueException($"time: invalid duration \"{text}\"");
        var total = 0.0;
        for (var i = 0; i < match.Groups["n"].Captures.Count; i++)
        {
            var unit = match.Groups["u"].Captures[i].Value switch { "h" => 3600.0, "m" => 60, "s" => 1, "ms" => 1e-3, "us" or "µs" => 1e-6, _ => 1e-9 };
            total += double.Parse(match.Groups["n"].Captures[i].ValueSpan, CultureInfo.InvariantCulture) * unit;
        }
        if (total > TimeSpan.MaxValue.TotalSeconds / 2) throw new ExpressionValueException($"time: invalid duration \"{text}\"");
        return TimeSpan.FromTicks((long)Math.Round((text[0] == '-' ? -total : total) * TimeSpan.TicksPerSecond));
    }

    private static ExpressionValueException Unsuitable() => new("no such overload");

    [GeneratedRegex(@"^[-+]?(?:0|(?:(?<n>\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?<u>ns|us|µs|ms|s|m|h))+)\z")]
    private static partial Regex DurationPattern();
}
