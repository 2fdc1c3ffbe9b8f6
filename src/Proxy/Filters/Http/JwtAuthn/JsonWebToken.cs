using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>A token that was taken apart, and not yet believed. Immutable. Source: RFC 7515 section 3.1, RFC 7519 section 4.1.</summary>
internal sealed class JsonWebToken
{
    private static readonly SearchValues<char> Base64UrlChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private JsonWebToken(string text) => Text = text;

    public string Text { get; }

    /// <summary>The payload as it stands in the token.</summary>
    public string PayloadText { get; private set; } = "";

    /// <summary>The bytes that are signed.</summary>
    public byte[] Signed { get; private set; } = [];

    public byte[] Signature { get; private set; } = [];

    public JsonElement Header { get; private set; }

    public JsonElement Payload { get; private set; }

    public string Algorithm { get; private set; } = "";

    /// <summary>Empty when the token names no key.</summary>
    public string KeyId { get; private set; } = "";

    public string Issuer { get; private set; } = "";

    public string Subject { get; private set; } = "";

    public string[] Audiences { get; private set; } = [];

    /// <summary>Seconds since 1970; null when absent.</summary>
    public long? IssuedAt { get; private set; }

    /// <inheritdoc cref="IssuedAt"/>
    public long? NotBefore { get; private set; }

    /// <inheritdoc cref="IssuedAt"/>
    public long? Expires { get; private set; }

    public static JwtStatus Parse(string text, out JsonWebToken token)
    {
        token = new JsonWebToken(text);
        if (!TrySplit(text, out var first, out var second)) return JwtStatus.BadFormat;
        if (token.ReadHeader(text.AsSpan(0, first)) is var header and not JwtStatus.Ok) return header;
        if (token.ReadPayload(text[(first + 1)..second]) is var payload and not JwtStatus.Ok) return payload;
        return token.ReadSignature(text.AsSpan(second + 1), text.AsSpan(0, second));
    }

    /// <summary>Reads header and signature, and leaves the payload alone, which need not be of claims.</summary>
    public static JwtStatus ParseEnvelope(string text, out JsonWebToken token)
    {
        token = new JsonWebToken(text);
        if (!TrySplit(text, out var first, out var second)) return JwtStatus.BadFormat;
        if (token.ReadHeader(text.AsSpan(0, first)) is var header and not JwtStatus.Ok) return header;
        if (second > first + 1 && !TryDecode(text.AsSpan(first + 1, second - first - 1), out _)) return JwtStatus.PayloadBadBase64;
        return token.ReadSignature(text.AsSpan(second + 1), text.AsSpan(0, second));
    }

    private static bool TrySplit(string text, out int first, out int second)
    {
        first = text.IndexOf('.', StringComparison.Ordinal);
        second = first < 0 ? -1 : text.IndexOf('.', first + 1);
        return second >= 0 && text.IndexOf('.', second + 1) < 0;
    }

    private JwtStatus ReadHeader(ReadOnlySpan<char> text)
    {
        if (!TryDecode(text, out var bytes)) return JwtStatus.HeaderBadBase64;
        if (!TryObject(bytes, out var header)) return JwtStatus.HeaderBadJson;
        Header = header;
        if (!header.TryGetProperty("alg", out var algorithm) || algorithm.ValueKind != JsonValueKind.String) return JwtStatus.HeaderBadAlgorithm;
        Algorithm = algorithm.GetString()!;
        if (!SignatureCheck.IsKnown(Algorithm)) return JwtStatus.AlgorithmNotSupported;
        if (!header.TryGetProperty("kid", out var id)) return JwtStatus.Ok;
        if (id.ValueKind != JsonValueKind.String) return JwtStatus.HeaderBadKeyId;
        KeyId = id.GetString()!;
        return JwtStatus.Ok;
    }

    private JwtStatus ReadPayload(string text)
    {
        PayloadText = text;
        if (!TryDecode(text, out var bytes)) return JwtStatus.PayloadBadBase64;
        if (!TryObject(bytes, out var payload)) return JwtStatus.PayloadBadJson;
        Payload = payload;
        if (!TryText(payload, "iss", out var issuer)) return JwtStatus.IssuerNotString;
        if (!TryText(payload, "sub", out var subject)) return JwtStatus.SubjectNotString;
        if (!TrySeconds(payload, "iat", out var issuedAt)) return JwtStatus.IssuedAtNotInteger;
        if (!TrySeconds(payload, "nbf", out var notBefore)) return JwtStatus.NotBeforeNotInteger;
        if (!TrySeconds(payload, "exp", out var expires)) return JwtStatus.ExpiryNotInteger;
        (Issuer, Subject, IssuedAt, NotBefore, Expires) = (issuer, subject, issuedAt, notBefore, expires);
        if (!payload.TryGetProperty("aud", out var audience)) return JwtStatus.Ok;
        if (audience.ValueKind == JsonValueKind.String) Audiences = [audience.GetString()!];
        else if (audience.ValueKind == JsonValueKind.Array && audience.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String))
            Audiences = [.. audience.EnumerateArray().Select(one => one.GetString()!)];
        else return JwtStatus.AudienceNotString;
        return JwtStatus.Ok;
    }

    private JwtStatus ReadSignature(ReadOnlySpan<char> text, ReadOnlySpan<char> signed)
    {
        if (!TryDecode(text, out var signature)) return JwtStatus.SignatureBadBase64;
        (Signature, Signed) = (signature, Encoding.ASCII.GetBytes(signed.ToString()));
        return JwtStatus.Ok;
    }

    /// <summary>Base64url without padding, and nothing but its alphabet (RFC 7515 section 2).</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.IsEmpty || text.ContainsAnyExcept(Base64UrlChars) || text.Length % 4 == 1) return false;
        // Says no, rather than throws, to bits left over that are not zero.
        var target = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromChars(text, target, out var read, out var written) != OperationStatus.Done || read != text.Length) return false;
        bytes = target.AsSpan(0, written).ToArray();
        return true;
    }

    private static bool TryObject(byte[] bytes, out JsonElement element)
    {
        element = default;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            element = document.RootElement.Clone();
            return element.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryText(JsonElement payload, string name, out string text)
    {
        text = "";
        if (!payload.TryGetProperty(name, out var value)) return true;
        if (value.ValueKind != JsonValueKind.String) return false;
        text = value.GetString()!;
        return true;
    }

    private static bool TrySeconds(JsonElement payload, string name, out long? seconds)
    {
        seconds = null;
        if (!payload.TryGetProperty(name, out var value)) return true;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || number is < 0 or > 9e15) return false;
        seconds = (long)number;
        return true;
    }
}
