using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>A key and tokens of it, good and bad, by what they are.</summary>
internal sealed class DifferentialTokens : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public DifferentialTokens()
    {
        var q = _key.ExportParameters(false).Q;
        Jwks = $$"""{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"one","x":"{{Base64Url.EncodeToString(q.X)}}","y":"{{Base64Url.EncodeToString(q.Y)}}"}]}""";
        var (later, before) = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 3600, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 3600);
        const string Header = """{"alg":"ES256","kid":"one"}""";
        var good = Sign(Header, $$"""{"iss":"us","sub":"me","aud":"shop","exp":{{later}},"n":5}""");
        Tokens = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["good"] = good,
            ["them"] = Sign(Header, $$"""{"iss":"them","sub":"you","exp":{{later}} }"""),
            ["stranger"] = Sign(Header, $$"""{"iss":"stranger","aud":"shop","exp":{{later}} }"""),
            ["expired"] = Sign(Header, $$"""{"iss":"us","aud":"shop","exp":{{before}} }"""),
            ["early"] = Sign(Header, $$"""{"iss":"us","aud":"shop","nbf":{{later}} }"""),
            ["audience"] = Sign(Header, $$"""{"iss":"us","aud":["x","y"],"exp":{{later}} }"""),
            ["audiences"] = Sign(Header, $$"""{"iss":"us","aud":["x","https://shop/"],"exp":{{later}} }"""),
            ["kid"] = Sign("""{"alg":"ES256","kid":"two"}""", $$"""{"iss":"us","aud":"shop","exp":{{later}} }"""),
            ["none"] = Sign("""{"alg":"none"}""", """{"iss":"us","aud":"shop"}"""),
            ["forged"] = good[..^8] + "AAAAAAAA",
            ["text"] = "abc",
            ["sections"] = "a.b.c.d",
            ["badjson"] = Sign(Header, "{\"iss\":"),
            ["exp"] = Sign(Header, """{"iss":"us","aud":"shop","exp":"soon"}"""),
        };
    }

    public string Jwks { get; }

    public IReadOnlyDictionary<string, string> Tokens { get; }

    public void Dispose() => _key.Dispose();

    private string Sign(string header, string claims)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }
}
