using System.Globalization;
using System.Text.Json.Nodes;

namespace Lateen.Foundation.Yaml;

/// <summary>
/// What a plain scalar means. Source: YAML 1.1 type repository as go-yaml v2 implements it (resolve.go): null, the long
/// list of booleans, integers in four bases with underscores, floats; everything else is a string. Time stamps stay strings,
/// for JSON has no other form for them.
/// </summary>
internal static class YamlScalars
{
    public static JsonNode? Resolve(string text)
    {
        if (text.Length == 0) return null;
        return text[0] switch
        {
            '~' or 'n' or 'N' or 'y' or 'Y' or 't' or 'T' or 'f' or 'F' or 'o' or 'O' => Word(text),
            '.' or '+' or '-' or (>= '0' and <= '9') => Number(text) ?? JsonValue.Create(text),
            _ => JsonValue.Create(text),
        };
    }

    /// <summary>Whether a string would be read as something else when written bare.</summary>
    public static bool NeedsQuotes(string text) => Resolve(text) is not { } value || value.GetValueKind() != System.Text.Json.JsonValueKind.String || IsTimestamp(text);

    private static JsonValue? Word(string text) => text switch
    {
        "~" or "null" or "Null" or "NULL" => null,
        "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON" => JsonValue.Create(true),
        "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF" => JsonValue.Create(false),
        _ => JsonValue.Create(text),
    };

    private static JsonNode? Number(string text)
    {
        switch (text)
        {
            case ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf" or "-.INF" or ".nan" or ".NaN" or ".NAN":
                return JsonValue.Create(text);
        }
        var plain = text.Replace("_", "", StringComparison.Ordinal);
        var negative = plain.StartsWith('-');
        var digits = plain.AsSpan(plain.Length > 0 && plain[0] is '-' or '+' ? 1 : 0);
        if (TryInteger(digits, out var magnitude)) return Parse((negative && magnitude > 0 ? "-" : "") + magnitude.ToString(CultureInfo.InvariantCulture));
        return IsFloat(digits) && double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real)
            ? Parse(real == Math.Floor(real) && Math.Abs(real) < 1e15 ? ((long)real).ToString(CultureInfo.InvariantCulture) : real.ToString("R", CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>As if it had been read from JSON: a reader may take the number as any type that holds it.</summary>
    private static JsonNode? Parse(string number) => JsonNode.Parse(number);

    private static bool TryInteger(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        if (digits.Length == 0) return false;
        return digits switch
        {
            ['0', 'x' or 'X', .. var hex] => ulong.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value),
            ['0', 'b', .. var binary] => ulong.TryParse(binary, NumberStyles.AllowBinarySpecifier, CultureInfo.InvariantCulture, out value),
            ['0', 'o', .. var octal] => TryOctal(octal, out value),
            ['0', _, ..] when TryOctal(digits[1..], out value) => true,
            _ => ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value),
        };
    }

    private static bool TryOctal(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        if (digits.Length is 0 or > 21) return false;
        foreach (var digit in digits)
        {
            if (digit is < '0' or > '7') return false;
            value = value * 8 + (ulong)(digit - '0');
        }
        return true;
    }

    /// <summary>go-yaml's shape: digits, at most one dot, an exponent; so that "1.2.3" and "1e" stay strings.</summary>
    private static bool IsFloat(ReadOnlySpan<char> text)
    {
        int digits = 0, dots = 0, i = 0;
        for (; i < text.Length && (char.IsAsciiDigit(text[i]) || text[i] == '.'); i++)
            if (text[i] == '.') dots++;
            else digits++;
        if (digits == 0 || dots > 1) return false;
        if (i == text.Length) return true;
        if (text[i] is not ('e' or 'E')) return false;
        i++;
        if (i < text.Length && text[i] is '+' or '-') i++;
        var exponent = i;
        while (i < text.Length && char.IsAsciiDigit(text[i])) i++;
        return i > exponent && i == text.Length;
    }

    private static bool IsTimestamp(string text) =>
        text.Length >= 8 && char.IsAsciiDigit(text[0]) && text.Contains('-') && DateTime.TryParse(text, CultureInfo.InvariantCulture, out _);
}
