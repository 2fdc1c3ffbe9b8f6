using System.Text.Json.Nodes;
using Lateen.Support;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>Who asks: anonymous requests, service account tokens, reviews.</summary>
public abstract class IdentityTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task AServiceAccountsTokenIsIssuedReviewedAndUsed()
    {
        Expect(201, await Api.PostAsync(Core("serviceaccounts"), Json("""{"metadata":{"name":"robot"}}""")));
        var request = Json("""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["someone"],"expirationSeconds":600}}""");
        var issued = Expect(201, await Api.PostAsync(Core("serviceaccounts", "robot/token"), request)).Body;
        var token = (string)At(issued, "status", "token")!;
        Assert.NotNull(At(issued, "status", "expirationTimestamp"));
        var review = await ReviewAsync(token, "someone");
        Assert.True((bool?)At(review, "status", "authenticated"));
        Assert.Equal($"system:serviceaccount:{Space}:robot", (string?)At(review, "status", "user", "username"));
        Assert.Contains("system:serviceaccounts", ((JsonArray)At(review, "status", "user", "groups")!).Select(group => (string)group!));
        Assert.Null(At(await ReviewAsync(token, "another"), "status", "authenticated") is { } other && (bool)other! ? "authenticated" : null);
        Assert.NotNull(At(await ReviewAsync(token[..^6] + "AAAAAA", "someone"), "status", "error"));

        request["spec"]!["audiences"] = new JsonArray();
        var own = (string)At(Expect(201, await Api.PostAsync(Core("serviceaccounts", "robot/token"), request)).Body, "status", "token")!;
        using var robot = new ApiClient(Api.Url, own);
        var self = Expect(201, await robot.PostAsync("/apis/authentication.k8s.io/v1/selfsubjectreviews", Json("""{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}""")));
        Assert.Equal($"system:serviceaccount:{Space}:robot", (string?)At(self.Body, "status", "userInfo", "username"));
        Expect(200, await Api.DeleteAsync(Core("serviceaccounts", "robot")));
        // Kubernetes remembers a good token for ten seconds.
        await Eventually.TrueAsync(async () => At(await ReviewAsync(own, null), "status", "error") is not null, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task ATokensTermsAreChecked()
    {
        Expect(201, await Api.PostAsync(Core("serviceaccounts"), Json("""{"metadata":{"name":"robot"}}""")));
        var answer = Expect(422, await Api.PostAsync(Core("serviceaccounts", "robot/token"), Json("""{"spec":{"expirationSeconds":5}}""")));
        Assert.Contains("may not specify a duration less than 10 minutes", answer.Message, StringComparison.Ordinal);
        Expect(404, await Api.PostAsync(Core("serviceaccounts", "none/token"), Json("""{"spec":{}}""")));
    }

    [Fact]
    public async Task TheAdministratorMayDoEverything()
    {
        var answer = Expect(201, await Api.PostAsync("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            Json("""{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"*","resource":"*","group":"*"}}}""")));
        Assert.True((bool?)At(answer.Body, "status", "allowed"));
    }

    [Fact]
    public async Task AWrongTokenIsRefusedAndTheVersionIsOpen()
    {
        using var stranger = new ApiClient(Api.Url, "wrong");
        var refused = Expect(401, await stranger.GetAsync("/api/v1/namespaces"));
        Assert.Equal(("Unauthorized", "Unauthorized"), (refused.Reason, refused.Message));
        using var nobody = new ApiClient(Api.Url, null);
        Assert.StartsWith("v1.", (string?)(await nobody.GetAsync("/version")).Body["gitVersion"], StringComparison.Ordinal);
        Assert.Equal("ok", (await nobody.GetAsync("/healthz", "*/*")).Text);
        Assert.Equal("ok", (await nobody.GetAsync("/readyz", "*/*")).Text);
        Assert.InRange((await nobody.GetAsync("/api/v1/namespaces")).Code, 401, 403);
    }

    private async Task<JsonObject> ReviewAsync(string token, string? audience)
    {
        var review = Json("""{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{}}""");
        review["spec"]!["token"] = token;
        if (audience is not null) review["spec"]!["audiences"] = new JsonArray(audience);
        return Expect(201, await Api.PostAsync("/apis/authentication.k8s.io/v1/tokenreviews", review)).Body;
    }
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedIdentityTests(EmbeddedClusterUnderTest cluster) : IdentityTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealIdentityTests(RealClusterUnderTest cluster) : IdentityTests(cluster);
