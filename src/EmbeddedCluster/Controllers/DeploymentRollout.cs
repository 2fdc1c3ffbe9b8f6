using System.Globalization;
using System.Text.Json;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Controllers;

/// <summary>One step of a deployment's rollout. Used once.</summary>
internal sealed class DeploymentRollout(ClusterClient client, EventRecorder events, StoredObject deployment, StoredObject? current, IReadOnlyList<StoredObject> old)
{
    private const string Desired = "deployment.kubernetes.io/desired-replicas";
    private const string Most = "deployment.kubernetes.io/max-replicas";

    private readonly Dictionary<ObjectKey, int> _replicas = new(old.Append(current).OfType<StoredObject>().Select(set => KeyValuePair.Create(set.Key, (int)(set.Root.Whole("spec", "replicas") ?? 0))));
    private readonly int _wanted = (int)(deployment.Root.Whole("spec", "replicas") ?? 1);

    private int Total => _replicas.Values.Sum();

    public async Task StepAsync(CancellationToken cancel)
    {
        if (current is null)
        {
            await ScalePausedAsync(cancel).ConfigureAwait(false);
            return;
        }
        var rolling = deployment.Root.Text("spec", "strategy", "type") != "Recreate";
        if (deployment.Root.Flag("spec", "paused")) await ScalePausedAsync(cancel).ConfigureAwait(false);
        else if (rolling) await RollAsync(cancel).ConfigureAwait(false);
        else await RecreateAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>What a percentage or number of replicas means.</summary>
    public static int Resolve(JsonElement amount, int replicas, bool up)
    {
        if (amount.ValueKind == JsonValueKind.Number && amount.TryGetInt32(out var number)) return Math.Max(0, number);
        var text = amount.Text();
        if (text is null || !int.TryParse(text.TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out var percent)) return 0;
        var exact = percent * replicas / 100.0;
        return (int)(up ? Math.Ceiling(exact) : Math.Floor(exact));
    }

    private (int Surge, int Unavailable) Bounds()
    {
        var strategy = deployment.Root.At("spec", "strategy", "rollingUpdate");
        var surge = Resolve(strategy.At("maxSurge"), _wanted, up: true);
        var unavailable = Resolve(strategy.At("maxUnavailable"), _wanted, up: false);
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, Math.Min(unavailable, Math.Max(_wanted, 1)));
    }

    private async Task RollAsync(CancellationToken cancel)
    {
        var (surge, unavailable) = Bounds();
        await GrowAsync(_wanted + surge, cancel).ConfigureAwait(false);
        await ShrinkAsync(_wanted - unavailable, cancel).ConfigureAwait(false);
    }

    private async Task GrowAsync(int most, CancellationToken cancel)
    {
        var have = _replicas[current!.Key];
        if (have > _wanted) await ScaleAsync(current, _wanted, cancel).ConfigureAwait(false);
        else if (have < _wanted && Total < most) await ScaleAsync(current, have + Math.Min(most - Total, _wanted - have), cancel).ConfigureAwait(false);
        else await AnnotateAsync(current, cancel).ConfigureAwait(false);
    }

    private async Task ShrinkAsync(int leastAvailable, CancellationToken cancel)
    {
        var active = old.Where(set => _replicas[set.Key] > 0).OrderBy(set => set.Root.Text("metadata", "creationTimestamp"), StringComparer.Ordinal).ThenBy(set => set.Revision).ToArray();
        if (active.Length == 0) return;
        var pending = _replicas[current!.Key] - Available(current);
        var spare = Total - leastAvailable - Math.Max(0, pending);
        // Pods that do not work go first: they serve nobody.
        foreach (var set in active)
        {
            var broken = Math.Min(Math.Max(0, _replicas[set.Key] - Available(set)), Math.Max(0, spare));
            if (broken == 0) continue;
            await ScaleAsync(set, _replicas[set.Key] - broken, cancel).ConfigureAwait(false);
            spare -= broken;
        }
        var excess = active.Append(current).Sum(Available) - leastAvailable;
        foreach (var set in active)
        {
            var fewer = Math.Min(_replicas[set.Key], Math.Min(excess, Math.Max(0, spare)));
            if (fewer <= 0) continue;
            await ScaleAsync(set, _replicas[set.Key] - fewer, cancel).ConfigureAwait(false);
            excess -= fewer;
            spare -= fewer;
        }
    }

    private async Task RecreateAsync(CancellationToken cancel)
    {
        foreach (var set in old.Where(set => _replicas[set.Key] > 0)) await ScaleAsync(set, 0, cancel).ConfigureAwait(false);
        var running = client.List("pods", deployment.Key.Namespace)
            .Any(pod => old.Any(set => Ownership.IsControlledBy(pod.Root, set.Root)) && !PodState.IsTerminal(pod.Root));
        if (!running) await ScaleAsync(current!, _wanted, cancel).ConfigureAwait(false);
    }

    /// <summary>While paused, only the number of replicas is followed, by the sets that there are.</summary>
    private async Task ScalePausedAsync(CancellationToken cancel)
    {
        var active = old.Append(current).OfType<StoredObject>().Where(set => _replicas[set.Key] > 0).ToArray();
        var target = active.Length > 0 ? active[^1] : current;
        if (target is not null && active.Length <= 1) await ScaleAsync(target, _wanted, cancel).ConfigureAwait(false);
        else if (target is not null) await ScaleAsync(target, Math.Max(0, _replicas[target.Key] + _wanted - Total), cancel).ConfigureAwait(false);
    }

    private async Task ScaleAsync(StoredObject set, int replicas, CancellationToken cancel)
    {
        var before = _replicas[set.Key];
        if (before == replicas)
        {
            await AnnotateAsync(set, cancel).ConfigureAwait(false);
            return;
        }
        var written = await client.UpdateAsync(set.Key, "", value =>
        {
            value.Ensure("spec")["replicas"] = (long)replicas;
            Annotate(value);
        }, cancel).ConfigureAwait(false);
        if (written is null) return;
        _replicas[set.Key] = replicas;
        events.Normal(deployment, "ScalingReplicaSet", $"Scaled {(replicas > before ? "up" : "down")} replica set {set.Key.Name} from {before} to {replicas}", DeploymentController.Component);
    }

    private async Task AnnotateAsync(StoredObject set, CancellationToken cancel)
    {
        if (set.Root.Text("metadata", "annotations", Desired) == Number(_wanted)) return;
        await client.UpdateAsync(set.Key, "", Annotate, cancel).ConfigureAwait(false);
    }

    private void Annotate(System.Text.Json.Nodes.JsonObject value)
    {
        var annotations = value.Ensure("metadata", "annotations");
        annotations[Desired] = Number(_wanted);
        annotations[Most] = Number(_wanted + Bounds().Surge);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static int Available(StoredObject set) => (int)(set.Root.Whole("status", "availableReplicas") ?? 0);
}
