using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>What the kinds have in common that make pods from a template.</summary>
internal abstract class TemplateRules : KindRules
{
    /// <summary>Restart policies that the template may have.</summary>
    protected virtual string[] RestartPolicies => ["Always"];

    public override void Default(JsonObject value)
    {
        PodDefaults.Template(value.Child("spec", "template"));
        DefaultSpec(value.Ensure("spec"), value);
    }

    protected abstract void DefaultSpec(JsonObject spec, JsonObject value);

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) => value["status"] = new JsonObject();

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        if (value.Child("spec") is not { } spec) return;
        foreach (var name in (string[])["replicas", "minReadySeconds", "revisionHistoryLimit", "parallelism", "completions", "backoffLimit"])
            if (spec.Whole(name) is < 0 and var number) problems.Invalid($"spec.{name}", number, "must be greater than or equal to 0");
        if (spec.Child("template") is not { } template) return;
        CheckSelector(spec, template, problems);
        ObjectNames.CheckLabels(template.Child("metadata", "labels"), "spec.template.metadata.labels", problems);
        if (template.Child("spec") is not { } pod)
        {
            problems.Required("spec.template.spec.containers");
            return;
        }
        PodSpecChecks.Validate(pod, "spec.template.spec", problems);
        if (pod.Text("restartPolicy") is { } policy && !RestartPolicies.Contains(policy))
            problems.NotSupported("spec.template.spec.restartPolicy", policy, RestartPolicies);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        if (!JsonNode.DeepEquals(value.At("spec", "selector"), old.At("spec", "selector")))
            problems.Invalid("spec.selector", value.At("spec", "selector")?.DeepClone(), "field is immutable");
    }

    protected virtual void CheckSelector(JsonObject spec, JsonObject template, FieldProblems problems)
    {
        if (spec.Child("selector") is not { } selector) return;
        ObjectNames.CheckLabels(selector.Child("matchLabels"), "spec.selector.matchLabels", problems);
        if (selector.Child("matchLabels") is not { Count: > 0 } && !selector.Items("matchExpressions").Any())
        {
            problems.Invalid("spec.selector", selector.DeepClone(), "empty selector is invalid for deployment");
            return;
        }
        var labels = template.Child("metadata", "labels") ?? [];
        if (!LabelSelector.FromObject(selector).MatchesLabels(System.Text.Json.JsonElement.Parse(JsonText.ToBytes(labels))))
            problems.Invalid("spec.template.metadata.labels", labels.DeepClone(), "`selector` does not match template `labels`");
    }
}

/// <summary>Deployments.</summary>
internal sealed class DeploymentRules : TemplateRules
{
    protected override void DefaultSpec(JsonObject spec, JsonObject value)
    {
        spec.SetDefault("replicas", 1L);
        spec.SetDefault("revisionHistoryLimit", 10L);
        spec.SetDefault("progressDeadlineSeconds", 600L);
        var strategy = spec.Ensure("strategy");
        strategy.SetDefault("type", "RollingUpdate");
        if (strategy.Text("type") != "RollingUpdate") return;
        var rolling = strategy.Ensure("rollingUpdate");
        rolling.SetDefault("maxUnavailable", "25%");
        rolling.SetDefault("maxSurge", "25%");
    }

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        base.Validate(value, problems);
        if (value.Child("spec", "strategy") is not { } strategy) return;
        if (strategy.Text("type") == "Recreate" && strategy["rollingUpdate"] is not null)
            problems.Forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
        foreach (var name in (string[])["maxUnavailable", "maxSurge"])
        {
            var amount = strategy.At("rollingUpdate", name);
            if (amount.Text() is { } text && !(text.EndsWith('%') && int.TryParse(text[..^1], out var percent) && percent >= 0))
                problems.Invalid($"spec.strategy.rollingUpdate.{name}", text, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')");
            if (amount.Whole() is < 0 and var number) problems.Invalid($"spec.strategy.rollingUpdate.{name}", number, "must be greater than or equal to 0");
        }
        if (IsNone(strategy.At("rollingUpdate", "maxUnavailable")) && IsNone(strategy.At("rollingUpdate", "maxSurge")))
            problems.Invalid("spec.strategy.rollingUpdate.maxUnavailable", 0, "may not be 0 when `maxSurge` is 0");
    }

    private static bool IsNone(JsonNode? amount) => amount is not null && (amount.Whole() == 0 || amount.Text() == "0%");
}

/// <summary>Replica sets.</summary>
internal sealed class ReplicaSetRules : TemplateRules
{
    protected override void DefaultSpec(JsonObject spec, JsonObject value) => spec.SetDefault("replicas", 1L);

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) => value["status"] = new JsonObject { ["replicas"] = 0L };
}

/// <summary>Replication controllers: a plain map as selector, taken from the template when absent.</summary>
internal sealed class ReplicationControllerRules : TemplateRules
{
    protected override void DefaultSpec(JsonObject spec, JsonObject value)
    {
        spec.SetDefault("replicas", 1L);
        if (spec["selector"] is null && spec.Child("template", "metadata", "labels") is { Count: > 0 } labels) spec["selector"] = labels.DeepClone();
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) => value["status"] = new JsonObject { ["replicas"] = 0L };

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
    }

    protected override void CheckSelector(JsonObject spec, JsonObject template, FieldProblems problems)
    {
        if (spec.Child("selector") is not { Count: > 0 } selector)
        {
            problems.Required("spec.selector");
            return;
        }
        var labels = template.Child("metadata", "labels") ?? [];
        if (selector.Any(pair => labels.Text(pair.Key) != pair.Value.Text()))
            problems.Invalid("spec.template.metadata.labels", labels.DeepClone(), "`selector` does not match template `labels`");
    }
}

/// <summary>Stateful sets.</summary>
internal sealed class StatefulSetRules : TemplateRules
{
    private static readonly string[] Mutable = ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    protected override void DefaultSpec(JsonObject spec, JsonObject value)
    {
        spec.SetDefault("replicas", 1L);
        spec.SetDefault("revisionHistoryLimit", 10L);
        spec.SetDefault("podManagementPolicy", "OrderedReady");
        var strategy = spec.Ensure("updateStrategy");
        strategy.SetDefault("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate") strategy.Ensure("rollingUpdate").SetDefault("partition", 0L);
        var retention = spec.Ensure("persistentVolumeClaimRetentionPolicy");
        retention.SetDefault("whenDeleted", "Retain");
        retention.SetDefault("whenScaled", "Retain");
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) =>
        value["status"] = new JsonObject { ["replicas"] = 0L, ["availableReplicas"] = 0L };

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        var (next, before) = ((JsonObject)value.Ensure("spec").DeepClone(), (JsonObject)old.Ensure("spec").DeepClone());
        foreach (var name in Mutable)
        {
            next.Remove(name);
            before.Remove(name);
        }
        if (!JsonNode.DeepEquals(next, before))
            problems.Forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
}

/// <summary>Daemon sets.</summary>
internal sealed class DaemonSetRules : TemplateRules
{
    protected override void DefaultSpec(JsonObject spec, JsonObject value)
    {
        spec.SetDefault("revisionHistoryLimit", 10L);
        var strategy = spec.Ensure("updateStrategy");
        strategy.SetDefault("type", "RollingUpdate");
        if (strategy.Text("type") != "RollingUpdate") return;
        var rolling = strategy.Ensure("rollingUpdate");
        rolling.SetDefault("maxUnavailable", 1L);
        rolling.SetDefault("maxSurge", 0L);
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) => value["status"] = new JsonObject
    {
        ["currentNumberScheduled"] = 0L, ["numberMisscheduled"] = 0L, ["desiredNumberScheduled"] = 0L, ["numberReady"] = 0L,
    };
}

/// <summary>Jobs: the selector is the server's own.</summary>
internal sealed class JobRules : TemplateRules
{
    protected override string[] RestartPolicies => ["OnFailure", "Never"];

    protected override void DefaultSpec(JsonObject spec, JsonObject value)
    {
        if (spec["completions"] is null && spec["parallelism"] is null) spec["completions"] = 1L;
        spec.SetDefault("parallelism", 1L);
        spec.SetDefault("backoffLimit", 6L);
        spec.SetDefault("completionMode", "NonIndexed");
        spec.SetDefault("suspend", false);
        spec.SetDefault("podReplacementPolicy", "TerminatingOrFailed");
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope)
    {
        base.PrepareCreate(value, context, scope);
        var spec = value.Ensure("spec");
        if (spec.Flag("manualSelector")) return;
        var uid = value.Text("metadata", "uid")!;
        spec["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["batch.kubernetes.io/controller-uid"] = uid } };
        var labels = spec.Ensure("template", "metadata", "labels");
        var name = value.Text("metadata", "name");
        foreach (var prefix in (string[])["", "batch.kubernetes.io/"])
        {
            labels[prefix + "controller-uid"] = uid;
            labels[prefix + "job-name"] = name;
        }
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        foreach (var name in (string[])["selector", "completions", "template", "completionMode"])
            if (!JsonNode.DeepEquals(value.At("spec", name), old.At("spec", name)))
                problems.Invalid($"spec.{name}", value.At("spec", name)?.DeepClone(), "field is immutable");
    }
}
