using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Identity;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Subresources;

/// <summary>
/// Answers the kinds that are questions, not objects: who is this token, may this user do that. Whoever is authenticated may do
/// everything: RBAC objects are stored, not enforced. Any thread.
/// </summary>
internal sealed class ReviewEndpoint(Authenticator authenticator, AccountTokens tokens, TimeProvider clock)
{
    private const string AllowedBecause = "every authenticated user may do everything in the embedded cluster";

    /// <summary>Answers a POST; null when the kind is no question.</summary>
    public Task? Serve(HttpContext http, RequestScope scope, ServedResource resource, Representation form) => resource.Kind.Kind switch
    {
        "TokenReview" => AnswerAsync(http, scope, resource, form, ReviewToken),
        "SubjectAccessReview" or "LocalSubjectAccessReview" or "SelfSubjectAccessReview" =>
            AnswerAsync(http, scope, resource, form, _ => new JsonObject { ["allowed"] = true, ["reason"] = AllowedBecause }),
        "SelfSubjectRulesReview" => AnswerAsync(http, scope, resource, form, _ => Rules()),
        "SelfSubjectReview" => AnswerAsync(http, scope, resource, form, _ => new JsonObject { ["userInfo"] = scope.User.ToUserInfo() }),
        _ => null,
    };

    private async Task AnswerAsync(HttpContext http, RequestScope scope, ServedResource resource, Representation form, Func<JsonObject, JsonObject> status)
    {
        var received = await RequestBody.ReadObjectAsync(http.Request, scope.Cancel).ConfigureAwait(false);
        ObjectReader.ToStorage(received.Value, received.Duplicates, resource, scope);
        received.Value["status"] = status(received.Value);
        received.Value.Ensure("metadata").SetDefault("creationTimestamp", ObjectMetadata.Time(clock.GetUtcNow()));
        await ApiResponse.WriteAsync(http, 201, received.Value, form, scope).ConfigureAwait(false);
    }

    private JsonObject ReviewToken(JsonObject review)
    {
        var token = review.Text("spec", "token") ?? "";
        string[] wanted = [.. review.Texts("spec", "audiences")];
        if (wanted.Length == 0) wanted = [AccountTokens.Issuer];
        if (authenticator.IsAdminToken(token))
            return new JsonObject { ["authenticated"] = true, ["user"] = Authenticator.AdminIdentity.ToUserInfo(), ["audiences"] = wanted.ToJsonArray() };
        if (tokens.Verify(token, out var error) is not { } verified)
            return new JsonObject { ["authenticated"] = false, ["user"] = new JsonObject(), ["error"] = $"[{error}, token lookup failed]" };
        var shared = wanted.Intersect(verified.Audiences).ToArray();
        if (shared.Length == 0)
            return new JsonObject
            {
                ["authenticated"] = false, ["user"] = new JsonObject(),
                ["error"] = $"[invalid bearer token, token audiences [{string.Join(' ', verified.Audiences.Select(name => $"\"{name}\""))}] is invalid for the target audiences [{string.Join(' ', wanted.Select(name => $"\"{name}\""))}]]",
            };
        return new JsonObject { ["authenticated"] = true, ["user"] = verified.User.ToUserInfo(), ["audiences"] = shared.ToJsonArray() };
    }

    private static JsonObject Rules() => new()
    {
        ["resourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") }),
        ["nonResourceRules"] = new JsonArray(new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") }),
        ["incomplete"] = false,
    };
}
