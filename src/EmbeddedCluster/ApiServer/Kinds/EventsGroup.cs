using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>Events, stored as core/v1 and served by events.k8s.io/v1 too, whose fields have other names.</summary>
internal static class EventsGroup
{
    private static readonly (string Newer, string Stored)[] Names =
    [
        ("regarding", "involvedObject"), ("note", "message"), ("deprecatedSource", "source"), ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"), ("deprecatedCount", "count"), ("reportingController", "reportingComponent"),
    ];

    public static ResourceKind Kind { get; } = new()
    {
        Group = "", StorageVersion = "v1", Plural = "events", Kind = "Event", Namespaced = true, Rules = KindRules.None,
    };

    public static ServedResource Served { get; } = new()
    {
        Kind = Kind, Group = "events.k8s.io", Version = "v1", Schema = TypeCatalog.Instance["events.v1.Event"], Singular = "event", ListKind = "EventList", ShortNames = ["ev"],
        FromStorage = value =>
        {
            foreach (var (newer, stored) in Names) Move(value, stored, newer);
        },
        ToStorage = value =>
        {
            foreach (var (newer, stored) in Names) Move(value, newer, stored);
            value.SetDefault("involvedObject", new JsonObject());
        },
    };

    private static void Move(JsonObject value, string from, string to)
    {
        if (value[from] is not { } part) return;
        value.Remove(from);
        value[to] = part;
    }
}
