using System.Security.Cryptography;
using System.Text.Json;
using Lateen.Proxy.Interop;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>The keys of an issuer. Immutable, any thread. Source: RFC 7517.</summary>
internal sealed class JsonWebKeys(JsonWebKey[] all)
{
    public JsonWebKey[] All => all;

    /// <summary>Reads a key set; keys that cannot be used are left out. Null when nothing is left.</summary>
    public static JsonWebKeys? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out var list) || list.ValueKind != JsonValueKind.Array) return null;
            var keys = list.EnumerateArray().Select(JsonWebKey.Read).OfType<JsonWebKey>().ToArray();
            return keys.Length == 0 ? null : new JsonWebKeys(keys);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>One key. Any thread: one check at a time.</summary>
internal sealed class JsonWebKey
{
    private readonly Lock _turn = new();
    private readonly RSA? _rsa;
    private readonly ECDsa? _ecdsa;
    private readonly byte[]? _bytes;

    private JsonWebKey(JsonElement json, string kind, RSA? rsa = null, ECDsa? ecdsa = null, byte[]? bytes = null)
    {
        (Kind, _rsa, _ecdsa, _bytes) = (kind, rsa, ecdsa, bytes);
        (Id, Algorithm, Curve) = (Text(json, "kid"), Text(json, "alg"), Text(json, "crv"));
    }

    /// <summary>kty.</summary>
    public string Kind { get; }

    /// <summary>Empty when it has none, as the others.</summary>
    public string Id { get; }

    public string Algorithm { get; }

    public string Curve { get; }

    /// <summary>Null for a key that is not for signatures, or of a kind that is not supported.</summary>
    public static JsonWebKey? Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        if (Text(json, "use") is not ("" or "sig")) return null;
        if (json.TryGetProperty("key_ops", out var uses) && (uses.ValueKind != JsonValueKind.Array || !uses.EnumerateArray().Any(use => use.ValueKind == JsonValueKind.String && use.GetString() == "verify"))) return null;
        try
        {
            return Text(json, "kty") switch
            {
                "RSA" when Bytes(json, "n") is { } modulus && Bytes(json, "e") is { } exponent =>
                    new JsonWebKey(json, "RSA", rsa: RSA.Create(new RSAParameters { Modulus = modulus, Exponent = exponent })),
                "EC" when Bytes(json, "x") is { } x && Bytes(json, "y") is { } y && CurveOf(Text(json, "crv")) is { } curve =>
                    new JsonWebKey(json, "EC", ecdsa: ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = x, Y = y } })),
                "oct" when Bytes(json, "k") is { } secret => new JsonWebKey(json, "oct", bytes: secret),
                "OKP" when Text(json, "crv") == "Ed25519" && Bytes(json, "x") is { Length: Ed25519.KeyLength } key => new JsonWebKey(json, "OKP", bytes: key),
                _ => null,
            };
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public bool Verify(string algorithm, byte[] signed, byte[] signature)
    {
        lock (_turn)
            try
            {
                return algorithm[0] switch
                {
                    'R' => _rsa!.VerifyData(signed, signature, SignatureCheck.HashOf(algorithm), RSASignaturePadding.Pkcs1),
                    'P' => _rsa!.VerifyData(signed, signature, SignatureCheck.HashOf(algorithm), RSASignaturePadding.Pss),
                    'E' when _ecdsa is not null => _ecdsa.VerifyData(signed, signature, SignatureCheck.HashOf(algorithm), DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
                    'E' => Ed25519.Verify(_bytes!, signed, signature),
                    _ => CryptographicOperations.FixedTimeEquals(CryptographicOperations.HmacData(SignatureCheck.HashOf(algorithm), _bytes!, signed), signature),
                };
            }
            catch (CryptographicException)
            {
                return false;
            }
    }

    private static ECCurve? CurveOf(string name) => name switch
    {
        "P-256" => ECCurve.NamedCurves.nistP256,
        "P-384" => ECCurve.NamedCurves.nistP384,
        "P-521" => ECCurve.NamedCurves.nistP521,
        _ => null,
    };

    private static string Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static byte[]? Bytes(JsonElement json, string name) => JsonWebToken.TryDecode(Text(json, name), out var bytes) ? bytes : null;
}
