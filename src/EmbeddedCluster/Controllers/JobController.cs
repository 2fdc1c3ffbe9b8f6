using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>Runs jobs to completion: plain ones; completion indices are not given.</summary>
internal sealed class JobController(ClusterClient client, EventRecorder events) : Controller(client, events)
{
    private const string Resource = "jobs.batch";
    private const string Component = "job-controller";

    public override IReadOnlyList<string> Watched { get; } = [Resource, "pods"];

    public override IEnumerable<ObjectKey> Affected(StoredChange change) =>
        change.Object.Key.Resource == Resource ? [change.Object.Key] : Ownership.ControllerKey(change.Object, "Job", Resource);

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Client.Store.Get(key) is not { } job || PodState.IsDeleting(job.Root)) return null;
        var root = job.Root;
        var finished = root.Items("status", "conditions").Any(condition => condition.Text("type") is "Complete" or "Failed" && condition.Text("status") == "True");
        var pods = await Ownership.ClaimAsync(Client, job, "pods", LabelSelector.FromObject(root.At("spec", "selector")), cancel).ConfigureAwait(false);
        var active = pods.Where(pod => PodState.IsActive(pod.Root)).ToList();
        var succeeded = pods.Count(pod => pod.Root.Text("status", "phase") == "Succeeded");
        var failed = pods.Count(pod => pod.Root.Text("status", "phase") == "Failed");
        if (finished) return null;
        var completions = root.Whole("spec", "completions");
        var parallelism = root.Whole("spec", "parallelism") ?? 1;
        var complete = completions is { } wanted ? succeeded >= wanted : succeeded > 0 && active.Count == 0;
        var broken = failed > (root.Whole("spec", "backoffLimit") ?? 6);
        var suspended = root.Flag("spec", "suspend");
        if (broken || complete || suspended)
        {
            foreach (var pod in active) await Client.DeleteAsync(pod, cancel).ConfigureAwait(false);
            active.Clear();
        }
        else
        {
            var missing = (completions is { } total ? Math.Min(parallelism, total - succeeded) : succeeded > 0 ? 0 : parallelism) - active.Count;
            for (var i = 0; i < Math.Min(missing, 100); i++) active.Add(await CreateAsync(job, cancel).ConfigureAwait(false));
        }
        await Client.UpdateAsync(key, "status", value => Write(value.Ensure("status"), active, succeeded, failed, complete, broken, suspended), cancel).ConfigureAwait(false);
        if (complete) Events.Normal(job, "Completed", "Job completed", Component);
        else if (broken) Events.Warning(job, "BackoffLimitExceeded", "Job has reached the specified backoff limit", Component);
        return null;
    }

    private async Task<StoredObject> CreateAsync(StoredObject job, CancellationToken cancel)
    {
        var pod = PodState.FromTemplate(job, job.Root.At("spec", "template"));
        pod.Ensure("metadata")["generateName"] = job.Key.Name + "-";
        var made = await Client.CreateAsync("pods", pod, cancel).ConfigureAwait(false);
        Events.Normal(job, "SuccessfulCreate", $"Created pod: {made.Key.Name}", Component);
        return made;
    }

    private void Write(JsonObject status, List<StoredObject> active, int succeeded, int failed, bool complete, bool broken, bool suspended)
    {
        var now = Client.Now;
        void Count(string name, int count) => status.SetOrRemove(name, count == 0 ? null : JsonValue.Create((long)count));
        if (!suspended) status.SetDefault("startTime", ObjectMetadata.Time(now));
        Count("active", active.Count);
        status["ready"] = (long)active.Count(pod => PodState.IsReady(pod.Root));
        status["terminating"] = 0L;
        status.SetDefault("uncountedTerminatedPods", new JsonObject());
        Count("succeeded", succeeded);
        Count("failed", failed);
        if (complete)
        {
            status["completionTime"] = ObjectMetadata.Time(now);
            PodState.SetCondition(status, "SuccessCriteriaMet", "True", "CompletionsReached", "Reached expected number of succeeded pods", now);
            PodState.SetCondition(status, "Complete", "True", "CompletionsReached", "Reached expected number of succeeded pods", now);
        }
        else if (broken)
        {
            PodState.SetCondition(status, "Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit", now);
        }
        else if (suspended)
        {
            PodState.SetCondition(status, "Suspended", "True", "JobSuspended", "Job suspended", now);
        }
    }
}
