namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>What is wrong with a token.</summary>
internal enum JwtStatus
{
    Ok,
    Missing,
    UnknownIssuer,
    BadFormat,
    HeaderBadBase64,
    HeaderBadJson,
    HeaderBadAlgorithm,
    AlgorithmNotSupported,
    HeaderBadKeyId,
    PayloadBadBase64,
    PayloadBadJson,
    IssuerNotString,
    SubjectNotString,
    IssuedAtNotInteger,
    NotBeforeNotInteger,
    ExpiryNotInteger,
    AudienceNotString,
    SignatureBadBase64,
    NotYetValid,
    Expired,
    NoExpiry,
    LifetimeTooLong,
    AudienceNotAllowed,
    SubjectNotAllowed,
    KeysNotThere,
    NoKeyMatches,
    VerificationFailed,
}

/// <summary>The texts that Envoy's users know. Source: the answers of Envoy 1.40 and jwt_verify_lib's table of statuses.</summary>
internal static class JwtStatusText
{
    public static string Of(JwtStatus status) => status switch
    {
        JwtStatus.Ok => "OK",
        JwtStatus.Missing => "Jwt is missing",
        JwtStatus.UnknownIssuer => "Jwt issuer is not configured",
        JwtStatus.BadFormat => "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
        JwtStatus.HeaderBadBase64 => "Jwt header is an invalid Base64url encoded",
        JwtStatus.HeaderBadJson => "Jwt header is an invalid JSON",
        JwtStatus.HeaderBadAlgorithm => "Jwt header [alg] field is required and must be a string",
        JwtStatus.AlgorithmNotSupported => "Jwt header [alg] is not supported",
        JwtStatus.HeaderBadKeyId => "Jwt header [kid] field is not a string",
        JwtStatus.PayloadBadBase64 => "Jwt payload is an invalid Base64url encoded",
        JwtStatus.PayloadBadJson => "Jwt payload is an invalid JSON",
        JwtStatus.IssuerNotString => "Jwt payload [iss] field is not a string",
        JwtStatus.SubjectNotString => "Jwt payload [sub] field is not a string",
        JwtStatus.IssuedAtNotInteger => "Jwt payload [iat] field is not an integer",
        JwtStatus.NotBeforeNotInteger => "Jwt payload [nbf] field is not an integer",
        JwtStatus.ExpiryNotInteger => "Jwt payload [exp] field is not an integer",
        JwtStatus.AudienceNotString => "Jwt payload [aud] field is not a string or string list",
        JwtStatus.SignatureBadBase64 => "Jwt signature is an invalid Base64url encoded",
        JwtStatus.NotYetValid => "Jwt not yet valid",
        JwtStatus.Expired => "Jwt is expired",
        JwtStatus.NoExpiry => "Jwt payload is missing required exp claim",
        JwtStatus.LifetimeTooLong => "Jwt lifetime exceeds the maximum",
        JwtStatus.AudienceNotAllowed => "Audiences in Jwt are not allowed",
        JwtStatus.SubjectNotAllowed => "Jwt subject is not allowed",
        JwtStatus.KeysNotThere => "Jwks remote fetch is failed",
        JwtStatus.NoKeyMatches => "Jwks doesn't have key to match kid or alg from Jwt",
        _ => "Jwt verification fails",
    };
}
