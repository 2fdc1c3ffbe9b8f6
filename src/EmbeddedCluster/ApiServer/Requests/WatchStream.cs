using System.Buffers;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>One watch request: the initial objects when asked for, then every change until the client or the time ends it.</summary>
internal sealed class WatchStream(ObjectStore store, ServedResource resource, string namespaceName, ListQuery query, ObjectPresenter presenter, TimeProvider clock)
{
    private static readonly TimeSpan BookmarkEvery = TimeSpan.FromSeconds(60);

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

    public async Task RunAsync(HttpContext http, Representation form, RequestScope scope, CancellationToken stopping)
    {
        var (initial, cursor) = Open();
        http.Response.ContentType = form.Yaml ? throw ApiException.NotAcceptable() : "application/json";
        http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseBodyFeature>()?.DisableBuffering();
        ApiResponse.AddWarnings(http.Response, scope);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        var seconds = query.TimeoutSeconds is > 0 and var asked ? asked : 1800 + Random.Shared.Next(1800);
        var end = clock.GetUtcNow().AddSeconds(seconds);
        foreach (var stored in initial) WriteEvent("ADDED"u8, stored);
        if (query.SendInitialEvents == true && query.Bookmarks) WriteBookmark(cursor.Revision, true);
        await http.Response.StartAsync(ending.Token).ConfigureAwait(false);
        await FlushAsync(http).ConfigureAwait(false);
        try
        {
            await FollowAsync(http, cursor, end, ending.Token).ConfigureAwait(false);
        }
        catch (RevisionGoneException gone)
        {
            WriteError(ApiException.Expired(gone.Message));
            await FlushAsync(http).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The client went away, or the server stops: a watch just ends.
        }
    }

    private (IReadOnlyList<StoredObject> Initial, WatchCursor Cursor) Open()
    {
        if (query.SendInitialEvents is not null && query.RevisionMatch != "NotOlderThan")
            throw ApiException.Invalid("meta.k8s.io", "ListOptions", "", [new("resourceVersionMatch", "FieldValueForbidden", "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]);
        if (query.SendInitialEvents is null && query.RevisionMatch.Length > 0)
            throw ApiException.Invalid("meta.k8s.io", "ListOptions", "", [new("resourceVersionMatch", "FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]);
        var revision = query.RevisionNumber();
        try
        {
            if (query.SendInitialEvents == false && revision is null) return ([], store.Watch(resource.Kind.StorageName, store.Revision));
            if (query.SendInitialEvents == true || revision is null)
            {
                if (revision > store.Revision) throw new RevisionTooLargeException(revision.Value, store.Revision);
                var (list, cursor) = store.ListAndWatch(resource.Kind.StorageName, namespaceName);
                return ([.. list.Items.Where(stored => query.Selects(stored, namespaceName))], cursor);
            }
            return ([], store.Watch(resource.Kind.StorageName, revision.Value));
        }
        catch (RevisionTooLargeException wrong)
        {
            throw ApiException.TooLargeRevision(wrong.Message);
        }
        catch (RevisionGoneException gone)
        {
            throw ApiException.Expired(gone.Message);
        }
    }

    private async Task FollowAsync(HttpContext http, WatchCursor cursor, DateTimeOffset end, CancellationToken cancel)
    {
        var bookmarked = clock.GetUtcNow();
        while (true)
        {
            while (cursor.Next() is { } change)
            {
                WriteChange(change);
                if (_buffer.WrittenCount > 256 * 1024) await FlushAsync(http).ConfigureAwait(false);
            }
            var now = clock.GetUtcNow();
            if (query.Bookmarks && (now - bookmarked >= BookmarkEvery || now >= end))
            {
                WriteBookmark(cursor.Revision, false);
                bookmarked = now;
            }
            if (_buffer.WrittenCount > 0) await FlushAsync(http).ConfigureAwait(false);
            if (now >= end) return;
            var wait = end - now;
            if (query.Bookmarks && bookmarked + BookmarkEvery - now < wait) wait = bookmarked + BookmarkEvery - now;
            await cursor.WaitAsync(wait < TimeSpan.FromMilliseconds(10) ? TimeSpan.FromMilliseconds(10) : wait, cancel).ConfigureAwait(false);
        }
    }

    private void WriteChange(StoredChange change)
    {
        var now = change.Type != ChangeType.Deleted && query.Selects(change.Object, namespaceName);
        var before = change.Previous is { } previous && query.Selects(previous, namespaceName);
        if (now) WriteEvent(before ? "MODIFIED"u8 : "ADDED"u8, change.Object);
        else if (before) WriteEvent("DELETED"u8, change.Type == ChangeType.Deleted ? change.Object : ObjectPresenter.Restamped(change.Previous!, change.Revision));
    }

    private void WriteEvent(ReadOnlySpan<byte> type, StoredObject stored)
    {
        WriteHead(type);
        presenter.Write(_buffer, stored);
        _buffer.Write("}\n"u8);
    }

    private void WriteBookmark(long revision, bool endOfInitialEvents)
    {
        WriteHead("BOOKMARK"u8);
        _buffer.Write(presenter.Bookmark(revision, endOfInitialEvents));
        _buffer.Write("}\n"u8);
    }

    private void WriteError(ApiException error)
    {
        WriteHead("ERROR"u8);
        JsonText.Write(_buffer, error.ToStatus());
        _buffer.Write("}\n"u8);
    }

    private void WriteHead(ReadOnlySpan<byte> type)
    {
        _buffer.Write("{\"type\":\""u8);
        _buffer.Write(type);
        _buffer.Write("\",\"object\":"u8);
    }

    private async Task FlushAsync(HttpContext http)
    {
        await http.Response.Body.WriteAsync(_buffer.WrittenMemory, http.RequestAborted).ConfigureAwait(false);
        await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
        _buffer.ResetWrittenCount();
    }
}
