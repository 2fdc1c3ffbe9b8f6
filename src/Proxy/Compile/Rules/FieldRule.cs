using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Compile.Rules;

/// <summary>One limit of one field. Immutable. Source: the annotations that Envoy's v3 .proto files have for protoc-gen-validate.</summary>
internal sealed class FieldRule
{
    private readonly Func<object, bool> _holds;
    private readonly string _problem;

    private FieldRule(Func<object, bool> holds, string problem) => (_holds, _problem) = (holds, problem);

    /// <summary>What is wrong with a value; null for nothing.</summary>
    public string? Problem(object value) => _holds(value) ? null : _problem;

    /// <summary>The rule that a word of FieldRules.txt stands for.</summary>
    public static FieldRule Parse(string word)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var (name, argument) = equals < 0 ? (word, "") : (word[..equals], word[(equals + 1)..]);
        return name switch
        {
            "min_len" => Length(int.Parse(argument, CultureInfo.InvariantCulture), int.MaxValue),
            "max_len" => Length(0, int.Parse(argument, CultureInfo.InvariantCulture)),
            "gt" => Number(argument, (value, limit) => value > limit, "must be above"),
            "gte" => Number(argument, (value, limit) => value >= limit, "must be at least"),
            "lt" => Number(argument, (value, limit) => value < limit, "must be below"),
            "lte" => Number(argument, (value, limit) => value <= limit, "must be at most"),
            "header_name" => Text(HeaderTexts.IsName, "is not the name of a header"),
            "header_name_loose" or "header_value_loose" => Text(HeaderTexts.IsLoose, "holds NUL or a line end"),
            "header_value" => Text(HeaderTexts.IsValue, "holds a control character"),
            "pattern" => Text(new Regex(argument, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant).IsMatch, $"does not match {argument}"),
            "prefix" => Text(text => text.StartsWith(argument, StringComparison.Ordinal), $"does not begin with {argument}"),
            "suffix" => Text(text => text.EndsWith(argument, StringComparison.Ordinal), $"does not end with {argument}"),
            "in" => Text(argument.Split(',').ToHashSet(StringComparer.Ordinal).Contains, $"is none of {argument}"),
            "not_in" => new FieldRule(value => !argument.Split(',').Contains(Convert.ToInt32(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)), "has a value that is not allowed"),
            "const" => new FieldRule(value => value is bool flag && flag == (argument == "true"), $"can only be {argument}"),
            _ => throw new InvalidOperationException($"FieldRules.txt: there is no rule {word}"),
        };
    }

    private static FieldRule Text(Func<string, bool> holds, string problem) => new(value => value is not string text || holds(text), problem);

    private static FieldRule Length(int least, int most) => new(
        value => (value is ByteString bytes ? bytes.Length : value is string text ? Encoding.UTF8.GetByteCount(text) : least) is var length && length >= least && length <= most,
        least == 1 ? "is empty" : least > 1 ? $"is shorter than {least}" : $"is longer than {most}");

    private static FieldRule Number(string argument, Func<double, double, bool> holds, string problem)
    {
        var limit = double.Parse(argument, CultureInfo.InvariantCulture);
        return new FieldRule(value => holds(value is Duration duration ? duration.Seconds + duration.Nanos / 1e9 : Convert.ToDouble(value, CultureInfo.InvariantCulture), limit), $"{problem} {argument}");
    }
}

/// <summary>The texts that protoc-gen-validate calls well known.</summary>
internal static class HeaderTexts
{
    public static bool IsName(string text) => text.Length > 0 && text.TrimStart(':') is { Length: > 0 } rest && text.Length - rest.Length <= 1 && Http.Headers.HttpText.IsToken(Encoding.UTF8.GetBytes(rest));

    public static bool IsValue(string text) => !text.Any(c => c is < ' ' and not '\t' or '\x7f');

    public static bool IsLoose(string text) => text.AsSpan().IndexOfAny('\0', '\r', '\n') < 0;
}
