using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Identity;

/// <summary>A verified service account token. Immutable.</summary>
internal sealed record AccountToken(UserIdentity User, string[] Audiences);

/// <summary>Makes and verifies service account tokens: JSON Web Tokens signed with ES256, bound to the account and optionally a pod. Any thread.</summary>
internal sealed class AccountTokens(ECDsa key, ObjectStore store, TimeProvider clock)
{
    /// <summary>Issuer of the tokens, and the audience of those meant for the API server itself.</summary>
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";

    private readonly Lock _gate = new();
    private readonly string _keyId = Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    /// <summary>Makes a token.</summary>
    /// <param name="account">The service account.</param>
    /// <param name="audiences">For whom.</param>
    /// <param name="life">How long it is valid.</param>
    /// <param name="pod">The pod or secret that it is bound to, null for none.</param>
    /// <returns>The token and its expiry.</returns>
    public (string Token, DateTimeOffset Expiry) Issue(StoredObject account, string[] audiences, TimeSpan life, StoredObject? pod)
    {
        var now = clock.GetUtcNow();
        var expiry = now + life;
        var about = new JsonObject
        {
            ["namespace"] = account.Key.Namespace,
            ["serviceaccount"] = new JsonObject { ["name"] = account.Key.Name, ["uid"] = account.Root.Text("metadata", "uid") },
        };
        if (pod is not null)
        {
            about[pod.Key.Resource == "pods" ? "pod" : "secret"] = new JsonObject { ["name"] = pod.Key.Name, ["uid"] = pod.Root.Text("metadata", "uid") };
            if (pod.Root.Text("spec", "nodeName") is { Length: > 0 } node) about["node"] = new JsonObject { ["name"] = node };
        }
        var payload = new JsonObject
        {
            ["aud"] = audiences.ToJsonArray(), ["exp"] = expiry.ToUnixTimeSeconds(), ["iat"] = now.ToUnixTimeSeconds(), ["iss"] = Issuer,
            ["jti"] = Guid.NewGuid().ToString(), ["kubernetes.io"] = about, ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = $"system:serviceaccount:{account.Key.Namespace}:{account.Key.Name}",
        };
        var head = new JsonObject { ["alg"] = "ES256", ["kid"] = _keyId };
        var signed = $"{Base64Url.EncodeToString(JsonText.ToBytes(head))}.{Base64Url.EncodeToString(JsonText.ToBytes(payload))}";
        byte[] signature;
        lock (_gate) signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        return ($"{signed}.{Base64Url.EncodeToString(signature)}", expiry);
    }

    /// <summary>Verifies a token: signature, times, issuer, and that account and pod still exist as they were.</summary>
    /// <param name="token">The token.</param>
    /// <param name="error">Why it was refused.</param>
    public AccountToken? Verify(string token, out string error)
    {
        error = "invalid bearer token";
        var parts = token.Split('.');
        if (parts.Length != 3) return null;
        try
        {
            var head = JsonElement.Parse(Base64Url.DecodeFromChars(parts[0]));
            if (head.Text("alg") != "ES256") return null;
            bool genuine;
            lock (_gate)
                genuine = key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256);
            if (!genuine) return null;
            return CheckClaims(JsonElement.Parse(Base64Url.DecodeFromChars(parts[1])), out error);
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>The public key as a JSON Web Key Set.</summary>
    public JsonObject KeySet()
    {
        var point = key.ExportParameters(false).Q;
        return new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["use"] = "sig", ["kty"] = "EC", ["kid"] = _keyId, ["crv"] = "P-256", ["alg"] = "ES256",
                ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y),
            }),
        };
    }

    private AccountToken? CheckClaims(JsonElement claims, out string error)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        error = "invalid bearer token";
        if (claims.Text("iss") != Issuer) return null;
        if (claims.Whole("exp") is not { } expiry || expiry < now || claims.Whole("nbf") > now + 60)
        {
            error = "service account token has expired";
            return null;
        }
        var about = claims.At("kubernetes.io");
        var (space, name, uid) = (about.Text("namespace") ?? "", about.Text("serviceaccount", "name") ?? "", about.Text("serviceaccount", "uid") ?? "");
        if (store.Get(new ObjectKey("serviceaccounts", space, name))?.Root.Text("metadata", "uid") != uid)
        {
            error = "service account token has been invalidated";
            return null;
        }
        var extra = new Dictionary<string, string[]>();
        if (about.Text("pod", "name") is { } pod)
        {
            var bound = store.Get(new ObjectKey("pods", space, pod));
            if (bound is null || bound.Root.Text("metadata", "uid") != about.Text("pod", "uid"))
            {
                error = "service account token has been invalidated";
                return null;
            }
            extra["authentication.kubernetes.io/pod-name"] = [pod];
            extra["authentication.kubernetes.io/pod-uid"] = [about.Text("pod", "uid") ?? ""];
            if (about.Text("node", "name") is { } node) extra["authentication.kubernetes.io/node-name"] = [node];
        }
        if (about.Text("secret", "name") is { } secret
            && store.Get(new ObjectKey("secrets", space, secret))?.Root.Text("metadata", "uid") != about.Text("secret", "uid"))
        {
            error = "service account token has been invalidated";
            return null;
        }
        if (claims.Text("jti") is { } id) extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id];
        var audience = claims.At("aud");
        string[] audiences = audience.ValueKind == JsonValueKind.String ? [audience.GetString()!] : [.. claims.Items("aud").Select(item => item.Text() ?? "")];
        var user = new UserIdentity($"system:serviceaccount:{space}:{name}", uid,
            ["system:serviceaccounts", $"system:serviceaccounts:{space}", "system:authenticated"]) { Extra = extra };
        return new AccountToken(user, audiences);
    }
}
