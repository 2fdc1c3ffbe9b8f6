using System.Globalization;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>Kubernetes quantities: a decimal number with an SI, binary or exponent suffix.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, decimal Factor)[] Suffixes =
    [
        ("Ki", 1024m), ("Mi", 1048576m), ("Gi", 1073741824m), ("Ti", 1099511627776m), ("Pi", 1125899906842624m), ("Ei", 1152921504606846976m),
        ("n", 0.000000001m), ("u", 0.000001m), ("m", 0.001m), ("k", 1000m), ("M", 1000000m), ("G", 1000000000m), ("T", 1000000000000m),
        ("P", 1000000000000000m), ("E", 1000000000000000000m),
    ];

    /// <summary>The quantity's value, false when the text is none.</summary>
    public static bool TryParse(string text, out decimal value)
    {
        value = 0;
        if (text.Length is 0 or > 64) return false;
        foreach (var (suffix, factor) in Suffixes)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal)) continue;
            if (!TryNumber(text[..^suffix.Length], NumberStyles.None, out var number)) return false;
            if (Math.Abs(number) > decimal.MaxValue / Math.Max(1, factor)) return false;
            value = number * factor;
            return true;
        }
        return TryNumber(text, NumberStyles.AllowExponent, out value);
    }

    private static bool TryNumber(string text, NumberStyles more, out decimal number) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | more, CultureInfo.InvariantCulture, out number);
}
