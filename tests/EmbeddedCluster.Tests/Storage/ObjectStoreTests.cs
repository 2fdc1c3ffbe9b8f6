using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Storage;

public sealed class ObjectStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-store-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public async Task WritesAreThereAfterTheStoreIsOpenedAgain()
    {
        long revision;
        using (var store = ObjectStore.Open(_folder))
        {
            await store.PutAsync(Key("a"), Value("one"), 0);
            var second = await store.PutAsync(Key("a"), Value("two"), store.Get(Key("a"))!.Revision);
            await store.PutAsync(Key("b"), Value("gone"), 0);
            await store.RemoveAsync(Key("b"), Value("gone"), store.Get(Key("b"))!.Revision);
            Assert.Equal(WriteStatus.Written, second.Status);
            revision = store.Revision;
        }
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "state.db")));
        using var again = ObjectStore.Open(_folder);
        Assert.Equal(revision, again.Revision);
        Assert.Equal("two", again.Get(Key("a"))!.Root.Text("data"));
        Assert.Null(again.Get(Key("b")));
        Assert.Single(again.List("things").Items);
    }

    [Fact]
    public async Task AWriteNeedsTheRevisionThatItReplaces()
    {
        using var store = ObjectStore.Open(_folder);
        var first = await store.PutAsync(Key("a"), Value("one"), 0);
        Assert.Equal(WriteStatus.Exists, (await store.PutAsync(Key("a"), Value("x"), 0)).Status);
        Assert.Equal(WriteStatus.Missing, (await store.PutAsync(Key("b"), Value("x"), 7)).Status);
        Assert.Equal(WriteStatus.Written, (await store.PutAsync(Key("a"), Value("two"), first.Object!.Revision)).Status);
        Assert.Equal(WriteStatus.Stale, (await store.PutAsync(Key("a"), Value("x"), first.Object.Revision)).Status);
        Assert.Equal(WriteStatus.Stale, (await store.RemoveAsync(Key("a"), Value("x"), first.Object.Revision)).Status);
    }

    [Fact]
    public async Task ConcurrentWritersOfOneObjectNeverLoseAnUpdate()
    {
        using var store = ObjectStore.Open(_folder);
        await store.PutAsync(Key("n"), new JsonObject { ["count"] = 0L }, 0);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
        {
            for (var done = 0; done < 10;)
            {
                var current = store.GetLatest(Key("n"))!;
                var next = current.Copy();
                next["count"] = next.Whole("count") + 1;
                if ((await store.PutAsync(Key("n"), next, current.Revision)).Status == WriteStatus.Written) done++;
            }
        })));
        Assert.Equal(200, store.Get(Key("n"))!.Root.Whole("count"));
    }

    [Fact]
    public async Task AWatchSeesEveryChangeOnceAndInOrder()
    {
        using var store = ObjectStore.Open(_folder);
        var (list, cursor) = store.ListAndWatch("things");
        Assert.Empty(list.Items);
        await store.PutAsync(Key("a"), Value("one"), 0);
        await store.PutAsync(new ObjectKey("others", "ns", "x"), Value("other"), 0);
        await store.PutAsync(Key("a"), Value("two"), store.Get(Key("a"))!.Revision);
        await store.RemoveAsync(Key("a"), Value("two"), store.Get(Key("a"))!.Revision);
        var seen = new List<ChangeType>();
        while (cursor.Next() is { } change) seen.Add(change.Type);
        Assert.Equal([ChangeType.Added, ChangeType.Modified, ChangeType.Deleted], seen);
        Assert.Equal(store.Revision, cursor.Revision);
    }

    [Fact]
    public async Task AWatchResumesAcrossARestart()
    {
        long from;
        using (var store = ObjectStore.Open(_folder))
        {
            await store.PutAsync(Key("a"), Value("one"), 0);
            from = store.Revision;
            await store.PutAsync(Key("a"), Value("two"), from);
        }
        using var again = ObjectStore.Open(_folder);
        var change = again.Watch("things", from).Next();
        Assert.Equal(ChangeType.Modified, change!.Type);
        Assert.Equal("one", change.Previous!.Root.Text("data"));
    }

    [Fact]
    public async Task OldRevisionsAreForgottenAndSaidToBeGone()
    {
        var options = new ObjectStoreOptions { WindowChanges = 10, CompactEvery = 10 };
        long last;
        using (var store = ObjectStore.Open(_folder, options))
        {
            await store.PutAsync(Key("kept"), Value("kept"), 0);
            for (var i = 0; i < 60; i++) await store.PutAsync(Key("a"), Value($"{i}"), store.GetLatest(Key("a"))?.Revision ?? 0);
            await store.RemoveAsync(Key("a"), Value("end"), store.Get(Key("a"))!.Revision);
            last = store.Revision;
            Assert.Throws<RevisionGoneException>(() => store.Watch("things", 3));
            Assert.Throws<RevisionTooLargeException>(() => store.Watch("things", last + 1));
        }
        using var again = ObjectStore.Open(_folder, options);
        Assert.Equal(last, again.Revision);
        Assert.Equal("kept", again.Get(Key("kept"))!.Root.Text("data"));
        Assert.Null(again.Get(Key("a")));
        Assert.Throws<RevisionGoneException>(() => again.Watch("things", 3));
    }

    [Fact]
    public async Task AListAtAnOlderRevisionShowsWhatWasThen()
    {
        using var store = ObjectStore.Open(_folder);
        await store.PutAsync(Key("a"), Value("one"), 0);
        await store.PutAsync(Key("b"), Value("b"), 0);
        var then = store.Revision;
        await store.PutAsync(Key("a"), Value("two"), store.Get(Key("a"))!.Revision);
        await store.RemoveAsync(Key("b"), Value("b"), store.Get(Key("b"))!.Revision);
        await store.PutAsync(Key("c"), Value("c"), 0);
        var list = store.ListAt("things", "", then);
        Assert.Equal(["a", "b"], list.Items.Select(stored => stored.Key.Name));
        Assert.Equal("one", list.Items[0].Root.Text("data"));
    }

    [Fact]
    public async Task AWatcherThatFallsTooFarBehindIsToldSo()
    {
        using var store = ObjectStore.Open(_folder, new ObjectStoreOptions { WindowChanges = 5 });
        var cursor = store.ListAndWatch("things").Cursor;
        for (var i = 0; i < 20; i++) await store.PutAsync(Key($"a{i}"), Value("x"), 0);
        Assert.Throws<RevisionGoneException>(() => cursor.Next());
    }

    private static ObjectKey Key(string name) => new("things", "ns", name);

    private static JsonObject Value(string data) => new() { ["metadata"] = new JsonObject { ["name"] = "x" }, ["data"] = data };
}
