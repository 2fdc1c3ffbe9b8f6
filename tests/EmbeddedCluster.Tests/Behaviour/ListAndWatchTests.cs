using System.Text.Json.Nodes;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Behaviour;

/// <summary>Lists, selectors, pages, tables and watches.</summary>
public abstract class ListAndWatchTests(ClusterUnderTest cluster) : BehaviourTests(cluster)
{
    private string Maps => Core("configmaps") + "?fieldSelector=metadata.name!=kube-root-ca.crt";

    [Fact]
    public async Task SelectorsNarrowAList()
    {
        await Api.PostAsync(Core("configmaps"), ConfigMap("a", labels: """{"app":"one","tier":"x"}"""));
        await Api.PostAsync(Core("configmaps"), ConfigMap("b", labels: """{"app":"two"}"""));
        await Api.PostAsync(Core("configmaps"), ConfigMap("c"));
        Assert.Equal(["a"], (await Api.GetAsync(Core("configmaps") + "?labelSelector=app%3Done")).Names);
        Assert.Equal(["a", "b"], (await Api.GetAsync(Core("configmaps") + "?labelSelector=app+in+(one,two)")).Names);
        Assert.Equal(["b"], (await Api.GetAsync(Core("configmaps") + "?labelSelector=app,!tier")).Names);
        Assert.Equal(["b", "c"], (await Api.GetAsync(Maps + "&labelSelector=app!%3Done")).Names);
        Assert.Equal(["c"], (await Api.GetAsync(Core("configmaps") + "?fieldSelector=metadata.name%3Dc")).Names);
        var refused = Expect(400, await Api.GetAsync(Core("configmaps") + "?fieldSelector=data.key%3Dx"));
        Assert.Contains("\"data.key\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", refused.Message, StringComparison.Ordinal);
        Expect(400, await Api.GetAsync(Core("configmaps") + "?labelSelector=a%3D%3D%3Db%2C%2C("));
    }

    [Fact]
    public async Task APagedListShowsOneMoment()
    {
        for (var i = 0; i < 5; i++) await Api.PostAsync(Core("secrets"), Json($$$"""{"metadata":{"name":"s{{{i}}}"}}"""));
        var first = Expect(200, await Api.GetAsync(Core("secrets") + "?limit=2"));
        Assert.Equal(["s0", "s1"], first.Names);
        Assert.Equal(3, (int?)At(first.Body, "metadata", "remainingItemCount"));
        await Api.DeleteAsync(Core("secrets", "s3"));
        var token = Uri.EscapeDataString((string)At(first.Body, "metadata", "continue")!);
        var second = Expect(200, await Api.GetAsync(Core("secrets") + $"?limit=2&continue={token}"));
        Assert.Equal(["s2", "s3"], second.Names);
        Assert.Equal(first.Revision, second.Revision);
        var exact = Expect(200, await Api.GetAsync(Core("secrets") + $"?resourceVersion={first.Revision}&resourceVersionMatch=Exact"));
        Assert.Equal(5, exact.Names.Length);
        Assert.Equal(4, (await Api.GetAsync(Core("secrets"))).Names.Length);
    }

    [Fact]
    public async Task ATableHasColumnsAndRows()
    {
        Expect(201, await Api.PostAsync(Core("secrets"), Json("""{"metadata":{"name":"s"},"data":{"a":"","b":""}}""")));
        var table = Expect(200, await Api.GetAsync(Core("secrets"), "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")).Body;
        Assert.Equal("Table", (string?)table["kind"]);
        Assert.Equal(["Name", "Type", "Data", "Age"], ((JsonArray)table["columnDefinitions"]!).Select(column => (string)column!["name"]!));
        var row = At(table, "rows", 0)!;
        Assert.Equal(["s", "Opaque"], ((JsonArray)row["cells"]!).Take(2).Select(cell => (string)cell!));
        Assert.Equal("PartialObjectMetadata", (string?)At(row, "object", "kind"));
        var partial = Expect(200, await Api.GetAsync(Core("secrets", "s"), "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")).Body;
        Assert.Null(partial["data"]);
        Assert.Equal("s", (string?)At(partial, "metadata", "name"));
        Assert.Equal("PartialObjectMetadataList", (string?)(await Api.GetAsync(Core("secrets"), "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")).Body["kind"]);
    }

    [Fact]
    public async Task AWatchShowsEachChangeFromARevisionOn()
    {
        var start = (await Api.GetAsync(Core("configmaps"))).Revision;
        await Api.PostAsync(Core("configmaps"), ConfigMap("a"));
        using var watch = await Api.WatchAsync($"{Maps}&watch=1&resourceVersion={start}");
        Assert.Equal("ADDED a", await watch.NextTextAsync());
        await Api.PatchAsync(Core("configmaps", "a"), "merge", """{"data":{"key":"two"}}""");
        var modified = (await watch.NextAsync())!.Value;
        Assert.Equal(("MODIFIED", "two"), (modified.Type, (string?)At(modified.Object, "data", "key")));
        await Api.DeleteAsync(Core("configmaps", "a"));
        var deleted = (await watch.NextAsync())!.Value;
        Assert.Equal("DELETED", deleted.Type);
        Assert.NotEqual((string?)At(modified.Object, "metadata", "resourceVersion"), (string?)At(deleted.Object, "metadata", "resourceVersion"));
    }

    [Fact]
    public async Task AWatchWithoutARevisionBeginsWithWhatIsThere()
    {
        await Api.PostAsync(Core("configmaps"), ConfigMap("a"));
        using var watch = await Api.WatchAsync(Maps + "&watch=true");
        Assert.Equal("ADDED a", await watch.NextTextAsync());
    }

    [Fact]
    public async Task AnObjectThatLeavesTheSelectionIsDeletedForItsWatcher()
    {
        var start = (await Api.GetAsync(Core("configmaps"))).Revision;
        using var watch = await Api.WatchAsync(Core("configmaps") + $"?watch=1&labelSelector=app%3Done&resourceVersion={start}");
        await Api.PostAsync(Core("configmaps"), ConfigMap("a"));
        await Api.PatchAsync(Core("configmaps", "a"), "merge", """{"metadata":{"labels":{"app":"one"}}}""");
        Assert.Equal("ADDED a", await watch.NextTextAsync());
        var left = await Api.PatchAsync(Core("configmaps", "a"), "merge", """{"metadata":{"labels":{"app":"two"}}}""");
        var gone = (await watch.NextAsync())!.Value;
        Assert.Equal("DELETED", gone.Type);
        Assert.Equal(left.Revision, (string?)At(gone.Object, "metadata", "resourceVersion"));
        Assert.Equal("one", (string?)At(gone.Object, "metadata", "labels", "app"));
    }

    [Fact]
    public async Task InitialEventsEndWithAnAnnotatedBookmark()
    {
        await Api.PostAsync(Core("configmaps"), ConfigMap("a"));
        using var watch = await Api.WatchAsync(Maps + "&watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
        Assert.Equal("ADDED a", await watch.NextTextAsync());
        var (type, value) = (await watch.NextAsync())!.Value;
        Assert.Equal("BOOKMARK", type);
        Assert.Equal("true", (string?)At(value, "metadata", "annotations", "k8s.io/initial-events-end"));
        Assert.Equal("ConfigMap", (string?)value["kind"]);
        Expect(422, await Api.GetAsync(Maps + "&watch=1&sendInitialEvents=true"));
    }

    [Fact]
    public async Task AWatchEndsAfterItsTime()
    {
        using var watch = await Api.WatchAsync(Maps + $"&watch=1&timeoutSeconds=1&resourceVersion={(await Api.GetAsync(Core("configmaps"))).Revision}");
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task AWatchMayShowTables()
    {
        await Api.PostAsync(Core("configmaps"), ConfigMap("a"));
        var answer = await Api.GetAsync(Maps + "&watch=1&timeoutSeconds=1", "application/json;as=Table;v=v1;g=meta.k8s.io");
        var first = JsonNode.Parse(answer.Text.Split('\n')[0])!;
        Assert.Equal(("ADDED", "Table"), ((string?)first["type"], (string?)first["object"]!["kind"]));
        Assert.Equal("a", (string?)At(first, "object", "rows", 0, "cells", 0));
    }

    [Fact]
    public async Task ARevisionOfTheFutureIsTooLarge()
    {
        var answer = Expect(504, await Api.GetAsync(Core("configmaps") + "?resourceVersion=999999999&resourceVersionMatch=NotOlderThan"));
        Assert.Equal("ResourceVersionTooLarge", (string?)At(answer.Body, "details", "causes", 0, "reason"));
    }

    [Fact]
    public async Task DeletingACollectionObeysTheSelector()
    {
        await Api.PostAsync(Core("secrets"), Json("""{"metadata":{"name":"a","labels":{"app":"one"}}}"""));
        await Api.PostAsync(Core("secrets"), Json("""{"metadata":{"name":"b"}}"""));
        Expect(200, await Api.DeleteAsync(Core("secrets") + "?labelSelector=app"));
        Assert.Equal(["b"], (await Api.GetAsync(Core("secrets"))).Names);
    }
}

[Collection(EmbeddedCollection.Name)]
public sealed class EmbeddedListAndWatchTests(EmbeddedClusterUnderTest cluster) : ListAndWatchTests(cluster);

[Collection(RealCollection.Name)]
public sealed class RealListAndWatchTests(RealClusterUnderTest cluster) : ListAndWatchTests(cluster);
