using System.Text.Json;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>Columns of apps, batch and autoscaling. A null column is the age.</summary>
internal static class WorkloadPrinters
{
    public static IEnumerable<(string Kind, TableColumn?[] Columns)> All { get; } =
    [
        ("deployments.apps",
        [
            CorePrinters.Text("Ready", value => $"{value.Whole("status", "readyReplicas") ?? 0}/{value.Whole("spec", "replicas") ?? 1}"),
            CorePrinters.Text("Up-to-date", value => Number(value.Whole("status", "updatedReplicas"))),
            CorePrinters.Text("Available", value => Number(value.Whole("status", "availableReplicas"))), null, .. Containers(), Selector(),
        ]),
        ("replicasets.apps",
        [
            CorePrinters.Whole("Desired", value => value.Whole("spec", "replicas")), CorePrinters.Whole("Current", value => value.Whole("status", "replicas")),
            CorePrinters.Whole("Ready", value => value.Whole("status", "readyReplicas")), null, .. Containers(), Selector(),
        ]),
        ("statefulsets.apps",
        [
            CorePrinters.Text("Ready", value => $"{value.Whole("status", "readyReplicas") ?? 0}/{value.Whole("spec", "replicas") ?? 1}"), null, .. Containers(),
        ]),
        ("daemonsets.apps",
        [
            CorePrinters.Whole("Desired", value => value.Whole("status", "desiredNumberScheduled")), CorePrinters.Whole("Current", value => value.Whole("status", "currentNumberScheduled")),
            CorePrinters.Whole("Ready", value => value.Whole("status", "numberReady")), CorePrinters.Whole("Up-to-date", value => value.Whole("status", "updatedNumberScheduled")),
            CorePrinters.Whole("Available", value => value.Whole("status", "numberAvailable")),
            CorePrinters.Text("Node Selector", value => CorePrinters.Map(value.At("spec", "template", "spec", "nodeSelector"))), null, .. Containers(), Selector(),
        ]),
        ("controllerrevisions.apps",
        [
            CorePrinters.Text("Controller", Controller), CorePrinters.Text("Revision", value => Number(value.Whole("revision"))), null,
        ]),
        ("jobs.batch",
        [
            CorePrinters.Text("Status", JobStatus), CorePrinters.Text("Completions", JobCompletions), new("Duration", (value, now) => JobDuration(value, now)), null,
            .. Containers(), Selector(),
        ]),
        ("cronjobs.batch",
        [
            CorePrinters.Text("Schedule", value => value.Text("spec", "schedule") ?? ""), CorePrinters.Text("Timezone", value => value.Text("spec", "timeZone") ?? CorePrinters.None),
            new("Suspend", (value, _) => value.Flag("spec", "suspend"), "boolean"), CorePrinters.Whole("Active", value => value.Items("status", "active").Count()),
            new("Last Schedule", (value, now) => value.Text("status", "lastScheduleTime") is { } time ? HumanTime.Since(time, now) : CorePrinters.None), null,
        ]),
        ("horizontalpodautoscalers.autoscaling",
        [
            CorePrinters.Text("Reference", value => $"{value.Text("spec", "scaleTargetRef", "kind")}/{value.Text("spec", "scaleTargetRef", "name")}"),
            CorePrinters.Text("Targets", value => value.Items("spec", "metrics").Any() ? "<unknown>" : CorePrinters.None),
            CorePrinters.Text("MinPods", value => value.Whole("spec", "minReplicas") is { } least ? Number(least) : "<unset>"),
            CorePrinters.Text("MaxPods", value => Number(value.Whole("spec", "maxReplicas"))), CorePrinters.Text("Replicas", value => Number(value.Whole("status", "currentReplicas"))), null,
        ]),
    ];

    /// <summary>The wide columns that name a template's containers and images.</summary>
    public static TableColumn[] Containers() =>
    [
        CorePrinters.Wide("Containers", value => CorePrinters.Joined(Template(value).Select(container => container.At("name")))),
        CorePrinters.Wide("Images", value => CorePrinters.Joined(Template(value).Select(container => container.At("image")))),
    ];

    private static IEnumerable<JsonElement> Template(JsonElement value) => value.Items("spec", "template", "spec", "containers");

    private static TableColumn Selector() => CorePrinters.Wide("Selector", value => value.Has("spec", "selector")
        ? LabelSelector.FromObject(value.At("spec", "selector")).ToString() : CorePrinters.None);

    private static string Number(long? number) => (number ?? 0).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string Controller(JsonElement value)
    {
        var owner = value.Items("metadata", "ownerReferences").FirstOrDefault(reference => reference.Flag("controller"));
        return owner.ValueKind == JsonValueKind.Undefined ? CorePrinters.None : $"{owner.Text("kind")?.ToLowerInvariant()}.apps/{owner.Text("name")}";
    }

    private static string JobStatus(JsonElement job)
    {
        foreach (var (type, word) in ((string, string)[])[("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended"), ("FailureTarget", "FailureTarget")])
            if (job.Items("status", "conditions").Any(condition => condition.Text("type") == type && condition.Text("status") == "True")) return word;
        return job.Text("metadata", "deletionTimestamp") is null ? "Running" : "Terminating";
    }

    private static string JobCompletions(JsonElement job)
    {
        var done = job.Whole("status", "succeeded") ?? 0;
        if (job.Whole("spec", "completions") is { } wanted) return $"{done}/{wanted}";
        var parallel = job.Whole("spec", "parallelism") ?? 0;
        return parallel > 1 ? $"{done}/1 of {parallel}" : $"{done}/1";
    }

    private static string JobDuration(JsonElement job, DateTimeOffset now)
    {
        if (HumanTime.Parse(job.Text("status", "startTime")) is not { } start) return "";
        return HumanTime.Duration((HumanTime.Parse(job.Text("status", "completionTime")) ?? now) - start);
    }
}
