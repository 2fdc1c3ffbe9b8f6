using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Objects;

/// <summary>The next step of a deletion.</summary>
internal enum DeletionStep
{
    /// <summary>It is under way already, and the request does not change it.</summary>
    Nothing,

    /// <summary>The object is marked as being deleted and waits: for its grace period or its finalizers.</summary>
    Mark,
    Remove,
}

/// <summary>Decides how an object goes: at once, after its grace period, after its finalizers.</summary>
internal static class Deletion
{
    public const string ForegroundFinalizer = "foregroundDeletion";
    public const string OrphanFinalizer = "orphan";

    /// <summary>Changes the object as the step needs it.</summary>
    /// <param name="value">The object, changed in place.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="options">DeleteOptions, null for the defaults.</param>
    /// <param name="now">The time.</param>
    public static DeletionStep Plan(JsonObject value, ResourceKind kind, JsonObject? options, DateTimeOffset now)
    {
        var metadata = ObjectMetadata.Of(value);
        var before = metadata.DeepClone();
        SetPropagation(metadata, options);
        var asked = options.Whole("gracePeriodSeconds");
        var grace = Math.Max(0, kind.Rules.GracePeriod(value, asked) ?? 0);
        if (ObjectMetadata.IsDeleting(value))
        {
            var pending = metadata.Whole("deletionGracePeriodSeconds") ?? 0;
            if (grace < pending && asked is not null)
            {
                metadata["deletionGracePeriodSeconds"] = grace;
                metadata["deletionTimestamp"] = ObjectMetadata.Time(now.AddSeconds(grace));
            }
            else
            {
                grace = pending;
            }
        }
        else
        {
            metadata["deletionTimestamp"] = ObjectMetadata.Time(now.AddSeconds(grace));
            metadata["deletionGracePeriodSeconds"] = grace;
            if (kind.TracksGeneration && metadata.Whole("generation") is { } generation) metadata["generation"] = generation + 1;
            kind.Rules.PrepareDeletion(value);
        }
        if (IsComplete(value, kind)) return DeletionStep.Remove;
        return JsonNode.DeepEquals(before, metadata) ? DeletionStep.Nothing : DeletionStep.Mark;
    }

    /// <summary>Nothing keeps an object any more whose deletion began.</summary>
    public static bool IsComplete(JsonObject value, ResourceKind kind) =>
        ObjectMetadata.Finalizers(value).Length == 0 && !kind.Rules.HoldsDeletion(value) && (value.Whole("metadata", "deletionGracePeriodSeconds") ?? 0) == 0;

    private static void SetPropagation(JsonObject metadata, JsonObject? options)
    {
        var policy = options.Text("propagationPolicy");
        if (policy is null && options?["orphanDependents"] is not null) policy = options.Flag("orphanDependents") ? "Orphan" : "Background";
        if (policy is null) return;
        var finalizers = metadata.Texts("finalizers").Where(name => name is not (ForegroundFinalizer or OrphanFinalizer)).ToList();
        if (policy == "Foreground") finalizers.Add(ForegroundFinalizer);
        else if (policy == "Orphan") finalizers.Add(OrphanFinalizer);
        metadata.SetOrRemove("finalizers", finalizers.Count == 0 ? null : finalizers.ToJsonArray());
    }
}
