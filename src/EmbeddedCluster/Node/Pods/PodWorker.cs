using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Network;
using Lateen.EmbeddedCluster.Node.Volumes;
using Lateen.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>Makes one pod be what the API says, from its first container to its last trace. One loop owns all its state.</summary>
/// <remarks>
/// Each round: 1. note which containers have ended; 2. a pod that is to go is stopped and taken away; 3. one that has ended stays as it
/// is; 4. network and volumes; 5. init containers and sidecars in their order, then the main ones; 6. status.
/// </remarks>
internal sealed class PodWorker : IDisposable
{
    private static readonly TimeSpan VolumeRetry = TimeSpan.FromSeconds(2), PatienceForObjects = TimeSpan.FromSeconds(30), VolumeRefresh = TimeSpan.FromMinutes(1), Longest = TimeSpan.FromHours(1);

    private readonly NodeParts _node;
    private readonly string _folder;
    private readonly ContainerRunner _runner;
    private readonly PodStatusWriter _statusWriter;
    private readonly WakeSignal _wake = new();
    private readonly CancellationTokenSource _deleting = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly DateTimeOffset _startedAt;
    private volatile PodDefinition _newest;
    private volatile PodFields _fields;
    private volatile IReadOnlyList<ContainerState> _containers = [];
    private volatile PodAddress? _address;
    private volatile bool _refreshVolumes;
    private JsonObject _status = [];
    private DateTimeOffset _volumesDue;
    private bool _ended;

    /// <summary>Makes the worker; it begins when run.</summary>
    public PodWorker(NodeParts node, PodDefinition pod)
    {
        (_node, _newest, _folder) = (node, pod, node.FolderOf(pod.Uid));
        _fields = new PodFields(pod, "", node.Options.Name, node.Options.Network.NodeAddress.ToString(), node.Capacity);
        _runner = new ContainerRunner(node, _folder, () => _fields, _wake.Set);
        _statusWriter = new PodStatusWriter(node.Client, node.Log);
        _startedAt = pod.Status.TimeOf("startTime") ?? node.Time.GetUtcNow();
    }

    /// <summary>The pod's folder on this machine. Any thread.</summary>
    public string Folder => _folder;

    /// <summary>The pod as it was last seen. Any thread.</summary>
    public PodDefinition Pod => _newest;

    /// <summary>The pod's network namespace, empty where there are none, or null while it has no network. Any thread.</summary>
    public string? NetworkNamespacePath => _fields.Pod.UsesNodeNetwork ? _node.Options.Network.IsShared ? "" : _node.Options.Network.Node.Path
        : _address is { } address ? _node.Network.PathOf(address) : null;

    /// <summary>Where the pod's containers listen, as seen from its network namespace. Any thread.</summary>
    public IReadOnlyList<string> ListeningAddresses => _node.Options.Network.IsShared ? [_node.Network.ApplicationAddressOf(_fields.PodAddress), _fields.PodAddress] : ["127.0.0.1"];

    /// <summary>The pod's containers; only for reading what does not change within an attempt. Any thread.</summary>
    public IReadOnlyList<ContainerState> Containers => _containers;

    /// <summary>Takes over a newer version of the pod. Any thread.</summary>
    public void Update(PodDefinition pod)
    {
        _newest = pod;
        if (pod.IsDeleting) _deleting.Cancel();
        if (pod.IsDeleting && pod.Grace == TimeSpan.Zero) _gone.Cancel();
        _wake.Set();
    }

    /// <summary>The API has the pod no more: nobody waits for it to stop in peace. Any thread.</summary>
    public void Remove()
    {
        _gone.Cancel();
        _deleting.Cancel();
        _wake.Set();
    }

    /// <summary>Something that the pod's volumes show may have changed. Any thread.</summary>
    public void RefreshVolumes()
    {
        _refreshVolumes = true;
        _wake.Set();
    }

    /// <summary>Works until the pod is gone, or until cancelled, which leaves its containers running.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var sending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var sender = _statusWriter.RunAsync(sending.Token);
        try
        {
            Adopt();
            while (await RunRoundAsync(cancel)) await _wake.WaitAsync(NextTime(), cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The node stops; the next one takes the containers over.
        }
        finally
        {
            await sending.CancelAsync();
            await sender.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _statusWriter.Dispose();
        _deleting.Dispose();
        _gone.Dispose();
    }

    private async Task<bool> RunRoundAsync(CancellationToken cancel)
    {
        try
        {
            return await SynchronizeAsync(cancel);
        }
        catch (Exception problem) when (problem is IOException or KubeException or InvalidOperationException or UnauthorizedAccessException)
        {
            _node.Log.LogWarning("pod {Namespace}/{Pod}: {Problem}", _newest.Namespace, _newest.Name, problem.Message);
            _node.Events.Record(_newest, "Warning", "FailedCreatePodSandBox", problem.Message);
            await Task.Delay(VolumeRetry, cancel);
            _wake.Set();
            return true;
        }
    }

    private void Adopt()
    {
        Directory.CreateDirectory(_folder);
        _address = NodeJson.TryRead($"{_folder}/address.json", NodeJson.Default.PodAddress);
        TakeNewest();
        if (_address is not null && !_fields.Pod.UsesNodeNetwork && !_node.Network.Has(_address))
        {
            // The machine was started anew: no process of the pod is left, and another pod may have had the address since.
            _node.Addresses.Return(_address);
            _address = null;
            File.Delete($"{_folder}/address.json");
            TakeNewest();
        }
        if (_node.Options.Network.IsShared) PodStrays.Kill(_newest.Uid, ContainerFolder.AllRecords(_folder));
        else if (_address is not null) PodStrays.Kill(_node.Network.SpaceOf(_address), ContainerFolder.AllRecords(_folder));
        foreach (var container in _containers) _runner.Adopt(container);
    }

    private void TakeNewest()
    {
        var pod = _newest;
        var address = pod.UsesNodeNetwork ? _node.Options.Network.NodeAddress.ToString() : _address?.Address ?? "";
        if (ReferenceEquals(pod, _fields.Pod) && address == _fields.PodAddress && _containers.Count > 0) return;
        _fields = _fields with { Pod = pod, PodAddress = address };
        File.WriteAllText($"{_folder}/pod.json.new", pod.Json.ToJsonString());
        File.Move($"{_folder}/pod.json.new", $"{_folder}/pod.json", overwrite: true);
        var known = _containers.ToDictionary(container => container.Definition.Name);
        var next = new List<ContainerState>();
        foreach (var definition in pod.Containers)
        {
            if (!known.TryGetValue(definition.Name, out var container)) container = new ContainerState(definition);
            container.Definition = definition;
            next.Add(container);
        }
        _containers = next;
    }

    private async Task<bool> SynchronizeAsync(CancellationToken cancel)
    {
        // 1.
        TakeNewest();
        foreach (var container in _containers)
            if (_runner.TryFinish(container)) container.Stopping = null;

        // 2.
        if (_deleting.IsCancellationRequested || _newest.IsDeleting)
        {
            await new PodShutdown(_node, _runner, _folder).RunAsync(_fields.Pod, _containers, WriteStatus, _gone.Token, cancel);
            if (_address is not null) await ReleaseNetworkAsync(cancel);
            await new PodShutdown(_node, _runner, _folder).ForgetAsync(_fields.Pod, _gone.Token, cancel);
            return false;
        }

        // 3.
        if (_ended || _fields.Pod.HasEnded && !_containers.Any(container => container.IsRunning))
        {
            if (_address is not null) await ReleaseNetworkAsync(cancel);
            return true;
        }

        // 4. What a container is given comes from other objects: without them only what runs already is looked after.
        if (!_node.Objects.HasSynced)
        {
            if (!_containers.Any(container => container.IsRunning)) await _node.Objects.WaitForSyncAsync(cancel).WaitAsync(PatienceForObjects, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
            if (!_node.Objects.HasSynced) _volumesDue = _node.Time.GetUtcNow() + VolumeRetry;
        }
        if (!_fields.Pod.UsesNodeNetwork && _address is null) await CreateNetworkAsync(cancel);
        var volumes = new PodVolumes(_folder, _fields, _node.Objects, _node.Tokens, hasUsers: !_node.Options.Network.IsShared);
        if (!await TryWriteVolumesAsync(volumes, cancel)) return true;

        // 5.
        var round = new PodRound(_node, _runner, new ContainerPlanner(_node, _fields, volumes, NetworkNamespacePath!), _fields.Pod, _containers);
        using var hooks = CancellationTokenSource.CreateLinkedTokenSource(cancel, _deleting.Token);
        await round.RunAsync(WriteStatus, hooks.Token);

        // 6.
        WriteStatus();
        if (_status.TextOf("phase") is "Succeeded" or "Failed" && !_containers.Any(container => container.IsRunning))
        {
            _ended = true;
            await ReleaseNetworkAsync(cancel);
        }
        return true;
    }

    private async Task CreateNetworkAsync(CancellationToken cancel)
    {
        var address = _node.Addresses.Take();
        NodeJson.Write($"{_folder}/address.json", address, NodeJson.Default.PodAddress);
        try
        {
            await _node.Network.CreatePodAsync(address, cancel);
        }
        catch (IOException)
        {
            await _node.Network.DeletePodAsync(address, cancel);
            _node.Addresses.Return(address);
            throw;
        }
        _address = address;
        TakeNewest();
    }

    private async Task ReleaseNetworkAsync(CancellationToken cancel)
    {
        if (_address is not { } address) return;
        await _node.Network.DeletePodAsync(address, cancel);
        File.Delete($"{_folder}/address.json");
        _address = null;
        _node.Addresses.Return(address);
    }

    private async Task<bool> TryWriteVolumesAsync(PodVolumes volumes, CancellationToken cancel)
    {
        if (_node.Time.GetUtcNow() < _volumesDue && !_refreshVolumes) return true;
        _refreshVolumes = false;
        try
        {
            await volumes.WriteAsync(cancel);
            _volumesDue = _node.Time.GetUtcNow() + VolumeRefresh;
            return true;
        }
        catch (VolumeException problem)
        {
            var begun = _containers.Any(container => container.Record is not null);
            _volumesDue = _node.Time.GetUtcNow() + VolumeRetry;
            _node.Events.Record(_newest, "Warning", "FailedMount", problem.Message);
            // A running pod keeps what its volumes showed last.
            if (begun) return true;
            foreach (var container in _containers) (container.WaitingReason, container.RetryAt) = ("ContainerCreating", _volumesDue);
            WriteStatus();
            _volumesDue = default;
            return false;
        }
    }

    private void WriteStatus()
    {
        _status = PodStatus.Build(_fields, _containers, _status, _startedAt, _node.Time.GetUtcNow());
        _statusWriter.Set(_fields.Pod, _status);
    }

    private TimeSpan NextTime()
    {
        var now = _node.Time.GetUtcNow();
        var next = _volumesDue > now ? _volumesDue - now : Longest;
        foreach (var container in _containers)
            if (!container.IsRunning && container.RetryAt > now && container.RetryAt - now < next) next = container.RetryAt - now;
        return next + TimeSpan.FromMilliseconds(5);
    }
}
