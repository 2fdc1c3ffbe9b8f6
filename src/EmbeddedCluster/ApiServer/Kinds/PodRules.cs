using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>Pods: a spec that hardly changes, and a graceful end.</summary>
internal sealed class PodRules : KindRules
{
    private static readonly string[] Mutable = ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"];

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        PodDefaults.Spec(spec);
        spec.SetDefault("enableServiceLinks", true);
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope)
    {
        var spec = value.Ensure("spec");
        spec.SetDefault("priority", 0L);
        spec.SetDefault("preemptionPolicy", "PreemptLowerPriority");
        AddTolerations(spec);
        value["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QualityClass(spec) };
    }

    public override void PrepareUpdate(JsonObject value, JsonObject old, RuleContext context)
    {
        // The scheduler's word is final, and only binding says it.
        if (old.Text("spec", "nodeName") is { } node) value.Ensure("spec")["nodeName"] = node;
    }

    public override void PrepareStatus(JsonObject value, JsonObject old)
    {
        var status = value.Ensure("status");
        if (old.At("status", "qosClass") is { } quality) status["qosClass"] = quality.DeepClone();
    }

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        if (value.Child("spec") is { } spec) PodSpecChecks.Validate(spec, "spec", problems);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        var (next, before) = ((JsonObject)value.Ensure("spec").DeepClone(), (JsonObject)old.Ensure("spec").DeepClone());
        foreach (var name in Mutable)
        {
            next.Remove(name);
            before.Remove(name);
        }
        if (string.IsNullOrEmpty(before.Text("nodeName"))) next.Remove("nodeName");
        foreach (var list in (string[])["containers", "initContainers"])
            foreach (var container in next.Items(list).Concat(before.Items(list))) container.Remove("image");
        if (!JsonNode.DeepEquals(next, before))
            problems.Forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
    }

    public override long? GracePeriod(JsonObject value, long? asked)
    {
        // What never ran, or has ended, needs no time to end.
        if (string.IsNullOrEmpty(value.Text("spec", "nodeName")) || value.Text("status", "phase") is "Failed" or "Succeeded") return 0;
        return asked ?? value.Whole("spec", "terminationGracePeriodSeconds") ?? 30;
    }

    private static void AddTolerations(JsonObject spec)
    {
        var tolerations = spec.EnsureList("tolerations");
        foreach (var key in (string[])["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            if (tolerations.OfType<JsonObject>().Any(entry => (entry.Text("key") is null or "" || entry.Text("key") == key) && entry.Text("effect") is null or "" or "NoExecute")) continue;
            tolerations.Add((JsonNode)new JsonObject { ["effect"] = "NoExecute", ["key"] = key, ["operator"] = "Exists", ["tolerationSeconds"] = 300L });
        }
    }

    private static string QualityClass(JsonObject spec)
    {
        var all = spec.Items("containers").Concat(spec.Items("initContainers")).Select(container => container.Child("resources")).ToArray();
        if (all.All(resources => resources?.Child("requests") is not { Count: > 0 } && resources?.Child("limits") is not { Count: > 0 })) return "BestEffort";
        var guaranteed = all.All(resources => ((string[])["cpu", "memory"]).All(name => resources.Text("limits", name) is { } limit && resources.Text("requests", name) == limit));
        return guaranteed ? "Guaranteed" : "Burstable";
    }
}
