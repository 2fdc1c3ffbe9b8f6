using System.Buffers;

namespace Lateen.Proxy.Http.Headers;

/// <summary>The character classes and small comparisons of HTTP. Source: RFC 9110 section 5.6, RFC 9112.</summary>
internal static class HttpText
{
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private static readonly SearchValues<byte> ForbiddenInValue = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(b => b != '\t').Select(b => (byte)b), 0x7f]);

    private static readonly SearchValues<byte> ForbiddenInTarget = SearchValues.Create([.. Enumerable.Range(0, 33).Select(b => (byte)b), 0x7f]);

    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenBytes);

    public static bool IsFieldValue(ReadOnlySpan<byte> text) => !text.ContainsAny(ForbiddenInValue);

    public static bool IsTarget(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAny(ForbiddenInTarget);

    /// <summary>Blanks and tabs off both ends.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && text[0] is (byte)' ' or (byte)'\t') text = text[1..];
        while (!text.IsEmpty && text[^1] is (byte)' ' or (byte)'\t') text = text[..^1];
        return text;
    }

    /// <summary>ASCII comparison without case; <paramref name="lower"/> is lower case.</summary>
    public static bool EqualsIgnoreCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
    {
        if (text.Length != lower.Length) return false;
        for (var i = 0; i < text.Length; i++)
        {
            var b = text[i];
            if ((uint)(b - 'A') <= 'Z' - 'A') b |= 0x20;
            if (b != lower[i]) return false;
        }
        return true;
    }

    /// <summary>Whether a comma-separated list holds a token, whatever its case.</summary>
    public static bool ListContains(ReadOnlySpan<byte> list, ReadOnlySpan<byte> lowerToken)
    {
        while (!list.IsEmpty)
        {
            var comma = list.IndexOf((byte)',');
            if (EqualsIgnoreCase(Trim(comma < 0 ? list : list[..comma]), lowerToken)) return true;
            list = comma < 0 ? default : list[(comma + 1)..];
        }
        return false;
    }

    /// <summary>Digits only, no sign, no blanks, less than 2^63.</summary>
    public static bool TryParseLength(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > 19) return false;
        foreach (var b in text)
        {
            if ((uint)(b - '0') > 9) return false;
            var next = unchecked(value * 10 + (b - '0'));
            if (next < value) return false;
            value = next;
        }
        return true;
    }

    public static bool IsHop(KnownHeader header) => header is KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection
        or KnownHeader.TransferEncoding or KnownHeader.Upgrade or KnownHeader.Te;
}
