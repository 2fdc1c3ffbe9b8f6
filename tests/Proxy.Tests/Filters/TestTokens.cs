using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>Makes keys and tokens.</summary>
internal sealed class TestTokens : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>The key set that goes with the tokens.</summary>
    public string Jwks
    {
        get
        {
            var q = _key.ExportParameters(false).Q;
            return $$"""{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"one","x":"{{Base64Url.EncodeToString(q.X)}}","y":"{{Base64Url.EncodeToString(q.Y)}}"}]}""";
        }
    }

    /// <summary>A token that ends some seconds from now.</summary>
    public string Sign(string issuer, int seconds = 600, string? more = null, string header = """{"alg":"ES256","kid":"one"}""")
    {
        var claims = $$"""{"iss":"{{issuer}}","sub":"me","exp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds}}{{(more is null ? "" : "," + more)}} }""";
        JsonDocument.Parse(claims).Dispose();
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    public void Dispose() => _key.Dispose();

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
