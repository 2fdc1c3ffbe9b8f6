using System.Text;
using System.Text.Json;
using Lateen.Proxy.Filters.Http.JwtAuthn;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>Signatures that others made, good and bad.</summary>
public sealed class SignatureCheckTests
{
    /// <summary>Vectors that are valid there and refused here: keys whose alg (ES521, PS256) is not the token's, characters outside base64url.</summary>
    private static readonly HashSet<int> Stricter = [346, 347, 350, 351, 372, 373];

    [Fact]
    public void Wycheproof_vectors_are_judged_as_they_say()
    {
        var file = Corpora.SharedFolder is { } shared ? Path.Combine(shared, "corpora", "wycheproof", "json_web_signature_test.json") : null;
        Assert.SkipWhen(file is null || !File.Exists(file), "the wycheproof vectors are not on this machine");
        using var document = JsonDocument.Parse(File.ReadAllBytes(file!));
        var wrong = new List<string>();
        var tried = 0;
        foreach (var group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            var key = group.TryGetProperty("public", out var open) ? open : group.GetProperty("private");
            var valid = group.GetProperty("tests").EnumerateArray().Where(test => test.GetProperty("result").GetString() == "valid").Select(test => test.GetProperty("jws").ToString()).ToHashSet(StringComparer.Ordinal);
            var keys = JsonWebKeys.Parse(Encoding.UTF8.GetBytes($$"""{"keys":[{{key.GetRawText()}}]}"""));
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                tried++;
                var jws = test.GetProperty("jws");
                var text = jws.ValueKind == JsonValueKind.String ? jws.GetString()! : jws.GetRawText();
                var accepted = keys is not null && JsonWebToken.ParseEnvelope(text, out var token) == JwtStatus.Ok && SignatureCheck.Verify(token, keys) == JwtStatus.Ok;
                var id = test.GetProperty("tcId").GetInt32();
                // The same text stands for a valid and an invalid one in two places: the text decides.
                if (accepted != (valid.Contains(text) && !Stricter.Contains(id))) wrong.Add($"{id} {test.GetProperty("comment").GetString()}: {accepted}");
            }
        }
        Assert.Empty(wrong);
        Assert.Equal(document.RootElement.GetProperty("numberOfTests").GetInt32(), tried);
    }

    /// <summary>RFC 8037 appendix A.4.</summary>
    [Fact]
    public void Ed25519_example_of_its_standard_is_accepted_and_nothing_near_it()
    {
        var keys = JsonWebKeys.Parse("""{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"""u8.ToArray())!;
        const string Jws = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        Assert.Equal(JwtStatus.Ok, JsonWebToken.ParseEnvelope(Jws, out var token));
        Assert.Equal(JwtStatus.Ok, SignatureCheck.Verify(token, keys));
        Assert.Equal(JwtStatus.Ok, JsonWebToken.ParseEnvelope(Jws.Replace("RXh", "RXg", StringComparison.Ordinal), out token));
        Assert.Equal(JwtStatus.VerificationFailed, SignatureCheck.Verify(token, keys));
    }
}
