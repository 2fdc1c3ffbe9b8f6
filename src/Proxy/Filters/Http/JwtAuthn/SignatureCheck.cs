using System.Security.Cryptography;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>Checks signatures of the algorithms of RFC 7518 section 3.1 and of Ed25519 (RFC 8037). What a token says of itself only selects among the keys of the right kind.</summary>
internal static class SignatureCheck
{
    public static bool IsKnown(string algorithm) => KindOf(algorithm) is not null;

    /// <summary>The kind of key (kty) of an algorithm, and its curve if it has one.</summary>
    public static (string Kind, string Curve)? KindOf(string algorithm) => algorithm switch
    {
        "RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512" => ("RSA", ""),
        "ES256" => ("EC", "P-256"),
        "ES384" => ("EC", "P-384"),
        "ES512" => ("EC", "P-521"),
        "HS256" or "HS384" or "HS512" => ("oct", ""),
        "EdDSA" => ("OKP", "Ed25519"),
        _ => null,
    };

    public static HashAlgorithmName HashOf(string algorithm) => algorithm[^3..] switch
    {
        "256" => HashAlgorithmName.SHA256,
        "384" => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    /// <summary>Finds a key for a token and checks its signature with it. Source: jwt_verify_lib, verifyJwtWithoutTimeChecking.</summary>
    public static JwtStatus Verify(JsonWebToken token, JsonWebKeys keys)
    {
        var found = false;
        var (kind, curve) = KindOf(token.Algorithm)!.Value;
        foreach (var key in keys.All)
        {
            if (token.KeyId.Length > 0 && key.Id.Length > 0 && key.Id != token.KeyId) continue;
            if (key.Algorithm.Length > 0 && key.Algorithm != token.Algorithm) continue;
            if (key.Kind != kind || key.Curve != curve) continue;
            found = true;
            if (key.Verify(token.Algorithm, token.Signed, token.Signature)) return JwtStatus.Ok;
        }
        return found ? JwtStatus.VerificationFailed : JwtStatus.NoKeyMatches;
    }
}
