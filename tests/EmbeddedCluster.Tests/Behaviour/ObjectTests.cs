using System.Text.Json.Nodes;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>Creating, reading, changing and deleting objects.</summary>
public abstract class ObjectTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task ACreatedObjectHasWhatTheServerFillsIn()
    {
        var made = Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var metadata = made.Body["metadata"]!;
        Assert.Equal(Space, (string?)metadata["namespace"]);
        Assert.Equal(36, ((string?)metadata["uid"])!.Length);
        Assert.EndsWith("Z", (string?)metadata["creationTimestamp"], StringComparison.Ordinal);
        Assert.NotEmpty(made.Revision);
        var read = Expect(200, await Api.GetAsync(Core("configmaps", "a")));
        Assert.Equal(made.Revision, read.Revision);
        Assert.Equal("x", (string?)read.Body["data"]!["key"]);
    }

    [Fact]
    public async Task TheSameNameIsRefusedTheSecondTime()
    {
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var again = Expect(409, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        Assert.Equal(("AlreadyExists", "configmaps \"a\" already exists"), (again.Reason, again.Message));
    }

    [Fact]
    public async Task AMissingObjectIsNotFound()
    {
        var answer = Expect(404, await Api.GetAsync(Apps("deployments", "none")));
        Assert.Equal(("NotFound", "deployments.apps \"none\" not found"), (answer.Reason, answer.Message));
        Assert.Equal("apps", (string?)answer.Body["details"]!["group"]);
        Expect(404, await Api.GetAsync(Core("nothings", "none")));
        Expect(404, await Api.PostAsync("/api/v1/namespaces/missing-space/configmaps", ConfigMap("a")));
    }

    [Fact]
    public async Task AGeneratedNameIsThePrefixAndFiveLetters()
    {
        var made = Expect(201, await Api.PostAsync(Core("configmaps"), Json("""{"metadata":{"generateName":"pre-"}}""")));
        Assert.Matches("^pre-[a-z0-9]{5}$", made.Name);
    }

    [Theory]
    [InlineData("A_b", "a lowercase RFC 1123 subdomain must consist of")]
    [InlineData("", "name or generateName is required")]
    public async Task ABadNameIsRefusedWithItsField(string name, string words)
    {
        var answer = Expect(422, await Api.PostAsync(Core("configmaps"), ConfigMap(name)));
        Assert.Equal("Invalid", answer.Reason);
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
        Assert.Equal("metadata.name", (string?)At(answer.Body, "details", "causes", 0, "field"));
    }

    [Fact]
    public async Task AnUpdateOfAnOlderRevisionConflicts()
    {
        var first = Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var second = (JsonObject)first.Body.DeepClone();
        second["data"]!["key"] = "two";
        Expect(200, await Api.PutAsync(Core("configmaps", "a"), second));
        var late = Expect(409, await Api.PutAsync(Core("configmaps", "a"), second));
        Assert.Equal("Conflict", late.Reason);
        Assert.Equal("Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again", late.Message);
    }

    [Fact]
    public async Task AnUpdateWithoutARevisionWinsAndOneWithoutChangeWritesNothing()
    {
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var changed = Expect(200, await Api.PutAsync(Core("configmaps", "a"), ConfigMap("a", "two")));
        var same = Expect(200, await Api.PutAsync(Core("configmaps", "a"), ConfigMap("a", "two")));
        Assert.Equal(changed.Revision, same.Revision);
    }

    [Fact]
    public async Task GenerationCountsChangesOfTheSpecOnly()
    {
        var made = Expect(201, await Api.PostAsync(Apps("deployments"), Deployment("d")));
        Assert.Equal(1, (int?)made.Body["metadata"]!["generation"]);
        var labelled = Expect(200, await Api.PatchAsync(Apps("deployments", "d"), "merge", """{"metadata":{"labels":{"a":"b"}}}"""));
        Assert.Equal(1, (int?)labelled.Body["metadata"]!["generation"]);
        var scaled = Expect(200, await Api.PatchAsync(Apps("deployments", "d"), "merge", """{"spec":{"paused":true}}"""));
        Assert.Equal(2, (int?)scaled.Body["metadata"]!["generation"]);
    }

    [Fact]
    public async Task StatusIsWrittenByItsSubresourceOnly()
    {
        Expect(201, await Api.PostAsync("/api/v1/nodes", Json($$$"""{"metadata":{"name":"{{{Space}}}"}}""")));
        var path = $"/api/v1/nodes/{Space}";
        var ignored = Expect(200, await Api.PatchAsync(path, "merge", """{"status":{"phase":"Running"},"spec":{"podCIDR":"10.1.0.0/24"}}"""));
        Assert.Null(At(ignored.Body, "status", "phase"));
        Assert.Equal("10.1.0.0/24", (string?)At(ignored.Body, "spec", "podCIDR"));
        var written = Expect(200, await Api.PatchAsync(path + "/status", "merge", """{"status":{"phase":"Running"},"spec":{"unschedulable":true}}"""));
        Assert.Equal("Running", (string?)At(written.Body, "status", "phase"));
        Assert.Null(At(written.Body, "spec", "unschedulable"));
        Expect(200, await Api.DeleteAsync(path));
    }

    [Fact]
    public async Task AFinalizerKeepsADeletedObjectUntilItIsRemoved()
    {
        var map = ConfigMap("a");
        map["metadata"]!["finalizers"] = new JsonArray("example.test/keep");
        Expect(201, await Api.PostAsync(Core("configmaps"), map));
        Expect(200, await Api.DeleteAsync(Core("configmaps", "a")));
        var waiting = Expect(200, await Api.GetAsync(Core("configmaps", "a")));
        Assert.NotNull(At(waiting.Body, "metadata", "deletionTimestamp"));
        var added = Expect(422, await Api.PatchAsync(Core("configmaps", "a"), "merge", """{"metadata":{"finalizers":["example.test/keep","example.test/more"]}}"""));
        Assert.Contains("no new finalizers can be added if the object is being deleted", added.Message, StringComparison.Ordinal);
        Expect(200, await Api.PatchAsync(Core("configmaps", "a"), "merge", """{"metadata":{"finalizers":null}}"""));
        Expect(404, await Api.GetAsync(Core("configmaps", "a")));
    }

    [Fact]
    public async Task ADeletionAnswersWithAStatusAndObeysPreconditions()
    {
        var made = Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        var refused = Expect(409, await Api.DeleteAsync(Core("configmaps", "a"), Json("""{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"other"}}""")));
        Assert.Contains("the UID in the precondition (other) does not match the UID in record", refused.Message, StringComparison.Ordinal);
        var done = Expect(200, await Api.DeleteAsync(Core("configmaps", "a")));
        Assert.Equal(("Success", "configmaps"), ((string?)done.Body["status"], (string?)At(done.Body, "details", "kind")));
        Assert.Equal((string?)made.Body["metadata"]!["uid"], (string?)At(done.Body, "details", "uid"));
        Expect(404, await Api.DeleteAsync(Core("configmaps", "a")));
    }

    [Fact]
    public async Task ADryRunShowsTheResultAndWritesNothing()
    {
        var shown = Expect(201, await Api.PostAsync(Core("configmaps") + "?dryRun=All", ConfigMap("a")));
        Assert.NotNull(shown.Body["metadata"]!["uid"]);
        Expect(404, await Api.GetAsync(Core("configmaps", "a")));
        Expect(201, await Api.PostAsync(Core("configmaps"), ConfigMap("a")));
        Expect(200, await Api.PatchAsync(Core("configmaps", "a") + "?dryRun=All", "merge", """{"data":{"key":"two"}}"""));
        Expect(200, await Api.DeleteAsync(Core("configmaps", "a") + "?dryRun=All"));
        Assert.Equal("x", (string?)(await Api.GetAsync(Core("configmaps", "a"))).Body["data"]!["key"]);
    }

    [Fact]
    public async Task UnknownFieldsAreRefusedWarnedAboutOrDropped()
    {
        var service = Json("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"foo":1,"ports":[{"port":80,"bar":2}]}}""");
        var strict = Expect(400, await Api.PostAsync(Core("services") + "?fieldValidation=Strict", service));
        Assert.Equal("BadRequest", strict.Reason);
        Assert.Contains("strict decoding error: unknown field \"spec.foo\", unknown field \"spec.ports[0].bar\"", strict.Message, StringComparison.Ordinal);
        var warned = Expect(201, await Api.PostAsync(Core("services") + "?fieldValidation=Warn", service));
        Assert.Contains(warned.Warnings, warning => warning.Contains("unknown field \\\"spec.foo\\\"", StringComparison.Ordinal));
        Assert.Null(At(warned.Body, "spec", "foo"));
        service["metadata"]!["name"] = "t";
        Assert.Empty(Expect(201, await Api.PostAsync(Core("services") + "?fieldValidation=Ignore", service)).Warnings);
    }

    [Fact]
    public async Task ARepeatedFieldIsRefusedInStrictMode()
    {
        var answer = Expect(400, await Api.SendAsync(HttpMethod.Post, Core("configmaps") + "?fieldValidation=Strict",
            """{"metadata":{"name":"a"},"data":{"k":"1"},"data":{"k":"2"}}""", "application/json"));
        Assert.Contains("duplicate field \"data\"", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueOfTheWrongTypeIsRefusedWithItsField()
    {
        var deployment = Deployment("d");
        deployment["spec"]!["replicas"] = "three";
        var answer = Expect(400, await Api.PostAsync(Apps("deployments"), deployment));
        Assert.Equal("Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32", answer.Message);
    }

    [Fact]
    public async Task ABodyThatIsNotJsonOrOfAnotherKindIsRefused()
    {
        Expect(400, await Api.SendAsync(HttpMethod.Post, Core("configmaps"), "{", "application/json"));
        Expect(400, await Api.PostAsync(Core("configmaps"), Json("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}""")));
        Expect(415, await Api.SendAsync(HttpMethod.Post, Core("configmaps"), "a", "text/plain"));
        Expect(406, await Api.GetAsync(Core("configmaps"), "image/png"));
    }

    [Fact]
    public async Task YamlIsReadAndWritten()
    {
        var made = await Api.SendAsync(HttpMethod.Post, Core("configmaps"), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: 'yes'\n", "application/yaml", "application/yaml");
        Assert.Equal(201, made.Code);
        Assert.Contains("key: \"yes\"", made.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ImmutableDataStays()
    {
        var map = ConfigMap("a");
        map["immutable"] = true;
        Expect(201, await Api.PostAsync(Core("configmaps"), map));
        var answer = Expect(422, await Api.PatchAsync(Core("configmaps", "a"), "merge", """{"data":{"key":"y"}}"""));
        Assert.Equal("ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set", answer.Message);
    }

    [Fact]
    public async Task ASecretsTextBecomesData()
    {
        var made = Expect(201, await Api.PostAsync(Core("secrets"), Json("""{"metadata":{"name":"s"},"stringData":{"k":"hello"}}""")));
        Assert.Equal("aGVsbG8=", (string?)At(made.Body, "data", "k"));
        Assert.Equal("Opaque", (string?)made.Body["type"]);
        Assert.Null(made.Body["stringData"]);
        var bad = Expect(422, await Api.PostAsync(Core("secrets"), Json("""{"metadata":{"name":"t"},"type":"kubernetes.io/tls","data":{}}""")));
        Assert.Contains("data[tls.crt]: Required value", bad.Message, StringComparison.Ordinal);
    }
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedObjectTests(EmbeddedClusterUnderTest cluster) : ObjectTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealObjectTests(RealClusterUnderTest cluster) : ObjectTests(cluster);
