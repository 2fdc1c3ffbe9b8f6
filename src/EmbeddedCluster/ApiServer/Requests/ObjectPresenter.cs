using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Tables;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>Writes stored objects in the version and form that a client asked for. Owned by one request.</summary>
internal sealed class ObjectPresenter(ServedResource resource, Representation form, string includeObject, TimeProvider clock)
{
    private bool _columnsSent;

    /// <summary>One object.</summary>
    public void Write(IBufferWriter<byte> target, StoredObject stored)
    {
        switch (form.Form)
        {
            case ObjectForm.Table:
                JsonText.Write(target, Table([stored], stored.Revision.ToString(CultureInfo.InvariantCulture), null));
                break;
            case ObjectForm.PartialMetadata:
                JsonText.Write(target, Partial(stored));
                break;
            default:
                if (CanSplice(stored)) target.Write(stored.Json);
                else JsonText.Write(target, Served(stored));
                break;
        }
    }

    /// <summary>A list of objects.</summary>
    /// <param name="target">Where to write.</param>
    /// <param name="revision">The list's resourceVersion.</param>
    /// <param name="items">The objects.</param>
    /// <param name="proceed">Token and count of what is left, when the list goes on.</param>
    public void WriteList(IBufferWriter<byte> target, long revision, IReadOnlyList<StoredObject> items, (string Token, long? Left)? proceed)
    {
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture) };
        if (proceed is { } more)
        {
            metadata["continue"] = more.Token;
            if (more.Left is { } left) metadata["remainingItemCount"] = left;
        }
        if (form.Form == ObjectForm.Table)
        {
            var table = Table(items, null, metadata);
            JsonText.Write(target, table);
            return;
        }
        var partial = form.Form == ObjectForm.PartialMetadata;
        var head = new JsonObject
        {
            ["kind"] = partial ? "PartialObjectMetadataList" : resource.ListKind,
            ["apiVersion"] = partial ? "meta.k8s.io/" + form.MetaVersion : resource.ApiVersion,
            ["metadata"] = metadata,
        };
        var text = JsonText.ToBytes(head);
        target.Write(text.AsSpan(0, text.Length - 1));
        target.Write(",\"items\":["u8);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) target.Write(","u8);
            Write(target, items[i]);
        }
        target.Write("]}"u8);
    }

    /// <summary>A copy in the served version.</summary>
    public JsonObject Served(StoredObject stored)
    {
        var value = stored.Copy();
        if (!CanSplice(stored)) ObjectReader.FromStorage(value, resource);
        return value;
    }

    /// <summary>The stored text is the answer: it is of the wanted version. A custom object may still be stored in an earlier one.</summary>
    private bool CanSplice(StoredObject stored) => resource.IsStorageVersion && (!resource.Kind.IsCustom || stored.Root.Text("apiVersion") == resource.ApiVersion);

    /// <summary>Only the metadata.</summary>
    public JsonObject Partial(StoredObject stored) => new()
    {
        ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/" + form.MetaVersion,
        ["metadata"] = JsonText.Copy(stored.Root.At("metadata")),
    };

    private JsonObject Table(IReadOnlyList<StoredObject> items, string? revision, JsonObject? metadata)
    {
        var columns = TableColumns.For(resource);
        var now = clock.GetUtcNow();
        var rows = new JsonArray();
        foreach (var item in items)
        {
            var row = new JsonObject { ["cells"] = columns.Cells(item.Root, now) };
            if (includeObject != "None") row["object"] = includeObject == "Object" ? Served(item) : Partial(item);
            rows.Add(row);
        }
        // In a watch only the first table names its columns.
        var definitions = _columnsSent ? null : columns.Definitions();
        _columnsSent = true;
        return new JsonObject
        {
            ["kind"] = "Table", ["apiVersion"] = "meta.k8s.io/" + form.MetaVersion,
            ["metadata"] = metadata ?? new JsonObject { ["resourceVersion"] = revision },
            ["columnDefinitions"] = definitions, ["rows"] = rows,
        };
    }

    /// <summary>A bookmark: an object of the kind with nothing but its resourceVersion.</summary>
    public byte[] Bookmark(long revision, bool endOfInitialEvents)
    {
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture), ["creationTimestamp"] = null };
        if (endOfInitialEvents) metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        var value = form.Form switch
        {
            ObjectForm.Table => new JsonObject
            {
                ["kind"] = "Table", ["apiVersion"] = "meta.k8s.io/" + form.MetaVersion, ["metadata"] = new JsonObject { ["resourceVersion"] = metadata["resourceVersion"]!.DeepClone() },
                ["columnDefinitions"] = null, ["rows"] = new JsonArray(new JsonObject { ["cells"] = new JsonArray(), ["object"] = new JsonObject
                {
                    ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/" + form.MetaVersion, ["metadata"] = metadata,
                } }),
            },
            ObjectForm.PartialMetadata => new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/" + form.MetaVersion, ["metadata"] = metadata },
            _ => new JsonObject { ["kind"] = resource.Kind.Kind, ["apiVersion"] = resource.ApiVersion, ["metadata"] = metadata },
        };
        return JsonText.ToBytes(value);
    }

    /// <summary>The object as it was, stamped with a later revision: what a watcher is shown when an object leaves its selection.</summary>
    public static StoredObject Restamped(StoredObject stored, long revision)
    {
        var value = stored.Copy();
        ObjectMetadata.Of(value)["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture);
        return new StoredObject(stored.Key, revision, JsonText.ToBytes(value));
    }

}
