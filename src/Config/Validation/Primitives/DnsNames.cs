using System.Globalization;
using Lateen.Config.Reading;

namespace Lateen.Config.Validation.Primitives;

/// <summary>Host names, labels and namespaces as Istio checks them. Checks give null or the message.</summary>
internal static class DnsNames
{
    private const int MaximumLabel = 63;
    private const int MaximumName = 255;

    /// <summary>A label of RFC 1123, in either case.</summary>
    public static bool IsLabel(ReadOnlySpan<char> value)
    {
        if (value.Length is 0 or > MaximumLabel || !char.IsAsciiLetterOrDigit(value[0]) || !char.IsAsciiLetterOrDigit(value[^1])) return false;
        foreach (var c in value)
            if (c != '-' && !char.IsAsciiLetterOrDigit(c))
                return false;
        return true;
    }

    /// <summary>A fully qualified or short name without wildcards.</summary>
    public static string? CheckFqdn(string name, bool original) => CheckLength(name) ?? CheckLabels(name, original);

    /// <summary>A name whose first label may be a wildcard.</summary>
    public static string? CheckWildcardDomain(string name, bool original)
    {
        if (CheckLength(name) is { } problem) return problem;
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var first = dot < 0 ? name : name[..dot];
        if (!IsWildcardLabel(first, original)) return Invalid(name, first);
        return dot < 0 ? null : CheckLabels(name[(dot + 1)..], original);
    }

    /// <summary>As <see cref="CheckWildcardDomain"/>, but also <c>outbound_.80_._.host</c>, which AUTO_PASSTHROUGH makes.</summary>
    public static string? CheckGatewayDomain(string name, bool isSni)
    {
        if (CheckLength(name) is { } problem) return problem;
        if (!isSni || !name.StartsWith("outbound_", StringComparison.Ordinal)) return CheckWildcardDomain(name, original: false);
        const string Format = "outbound_.<PORT>_._.<HOSTNAME>";
        var parts = name.Split('_');
        if (parts.Length < 4) return $"domain name {name} invalid, should follow '{Format}' format";
        if (!parts[1].Trim('.').Any(char.IsAsciiDigit)) return $"{Invalid(name, parts[1].Trim('.'))}. should follow {Format} format";
        if (!parts[3].Trim('.').Any(char.IsAsciiLetter)) return $"{Invalid(name, parts[3].Trim('.'))}. should follow {Format} format";
        return null;
    }

    /// <summary>A trust domain.</summary>
    public static string? CheckTrustDomain(string domain)
    {
        if (domain.Length == 0) return "empty domain name not allowed";
        var parts = domain.Split('.');
        for (var i = 0; i < parts.Length; i++)
            if (!(i == parts.Length - 1 && parts[i].Length == 0) && !IsLabel(parts[i]))
                return $"trust domain name {GoText.Quote(domain)} invalid";
        return null;
    }

    /// <summary><c>*foo.com</c>: a wildcard that is not a whole label.</summary>
    public static string? CheckPartialWildcard(string host) =>
        host.Length != 1 && host.Contains('*', StringComparison.Ordinal) && !host.StartsWith("*.", StringComparison.Ordinal)
            ? $"partial wildcard {GoText.Quote(host)} not allowed"
            : null;

    /// <summary>A port's name.</summary>
    public static string? CheckPortName(string name) => IsLabel(name) ? null : $"invalid port name: {name}";

    /// <summary>Whether two host names, either possibly a wildcard, overlap.</summary>
    public static bool Overlap(string one, string other)
    {
        if (!IsWildcard(one)) return IsWildcard(other) ? Suffix(one, other) : one == other;
        if (!IsWildcard(other)) return Suffix(other, one);
        return one.Length < other.Length ? Suffix(other[1..], one) : Suffix(one[1..], other);
    }

    /// <summary>Whether every host that the inner name matches is matched by the outer one.</summary>
    public static bool Covers(string outer, string inner)
    {
        if (!IsWildcard(outer)) return !IsWildcard(inner) && inner == outer;
        return IsWildcard(inner) ? inner.Length >= outer.Length && Suffix(inner[1..], outer) : Suffix(inner, outer);
    }

    public static bool IsWildcard(string host) => host.Length > 0 && host[0] == '*';

    private static bool Suffix(string name, string wildcard) => name.AsSpan().EndsWith(wildcard.AsSpan(1));

    private static string? CheckLength(string name)
    {
        if (name.Length > MaximumName) return $"domain name {GoText.Quote(name)} too long (max 255)";
        return name.Length == 0 ? "empty domain name not allowed" : null;
    }

    private static string? CheckLabels(string domain, bool original)
    {
        var parts = domain.Split('.');
        var top = parts[^1];
        if (int.TryParse(top, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            return $"domain name {GoText.Quote(domain)} invalid (top level domain {GoText.Quote(top)} cannot be all-numeric)";
        for (var i = 0; i < parts.Length; i++)
        {
            // A final dot makes a name unambiguous; 1.1 refused it.
            if (!original && i == parts.Length - 1 && parts[i].Length == 0) return null;
            if (!IsLabel(parts[i])) return Invalid(domain, parts[i]);
        }
        return null;
    }

    private static bool IsWildcardLabel(string label, bool original)
    {
        if (label.Length > MaximumLabel) return false;
        // parity: 1.1's wildcardPrefixRegexp is anchored at one end only, by the precedence of its alternation.
        if (original) return label.StartsWith('*') || (label.Length > 0 && char.IsAsciiLetterOrDigit(label[^1]));
        if (label == "*") return true;
        var rest = label.AsSpan();
        if (rest.StartsWith("*-")) rest = rest[2..];
        else if (rest.StartsWith("*")) rest = rest[1..];
        return IsLabel(rest);
    }

    private static string Invalid(string domain, string label) => $"domain name {GoText.Quote(domain)} invalid (label {GoText.Quote(label)} invalid)";
}
