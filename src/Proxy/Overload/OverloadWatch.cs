using Envoy.Config.Overload.V3;
using Envoy.Extensions.ResourceMonitors.CgroupMemory.V3;
using Envoy.Extensions.ResourceMonitors.DownstreamConnections.V3;
using Envoy.Extensions.ResourceMonitors.FixedHeap.V3;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Stats;
using Config = Envoy.Config.Overload.V3.OverloadManager;

namespace Lateen.Proxy.Overload;

/// <summary>
/// Looks at the pressure on memory and connections and sets what is shed. Runs on the thread pool. Source: Envoy's "Overload
/// manager".
/// </summary>
internal sealed class OverloadWatch
{
    private readonly TimeSpan _interval;
    private readonly Dictionary<string, Func<double>> _monitors = new(StringComparer.Ordinal);
    private readonly List<(Action<OverloadState, bool> Set, (string Resource, double Threshold)[] Triggers)> _actions = [];
    private readonly Dictionary<string, double> _pressures = new(StringComparer.Ordinal);
    private readonly OverloadState _state;

    /// <exception cref="ConfigRefusedException">A monitor or an action is not supported.</exception>
    public OverloadWatch(Config? config, OverloadState state, StatsStore stats)
    {
        _state = state;
        _interval = TimeSpan.FromMilliseconds(Durations.Ms(config?.RefreshInterval) ?? 1000);
        if (config is null) return;
        if (config.LoadshedPoints.Count > 0) throw new ConfigRefusedException("overload_manager.loadshed_points", "are not supported");
        if (config.BufferFactoryConfig is not null) throw new ConfigRefusedException("overload_manager.buffer_factory_config", "is not supported");
        for (var i = 0; i < config.ResourceMonitors.Count; i++) AddMonitor(config.ResourceMonitors[i], $"overload_manager.resource_monitors[{i}]");
        for (var i = 0; i < config.Actions.Count; i++) AddAction(config.Actions[i], $"overload_manager.actions[{i}]", stats);
        foreach (var name in _monitors.Keys) stats.Compute($"overload.{name}.pressure", () => (long)(_pressures.GetValueOrDefault(name) * 100));
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        if (_monitors.Count == 0) return;
        while (!cancel.IsCancellationRequested)
        {
            LookOnce();
            await Task.Delay(_interval, cancel).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    public void LookOnce()
    {
        lock (_pressures)
            foreach (var (name, read) in _monitors) _pressures[name] = read();
        foreach (var (set, triggers) in _actions) set(_state, Array.Exists(triggers, trigger => _pressures[trigger.Resource] >= trigger.Threshold));
    }

    private void AddMonitor(ResourceMonitor monitor, string path)
    {
        if (monitor.TypedConfig is not { } any) throw new ConfigRefusedException(path, $"{monitor.Name} has no typed_config");
        if (any.TryRead<FixedHeapConfig>(out var heap))
        {
            if (heap.MaxHeapSizeBytes == 0) throw new ConfigRefusedException(path + ".typed_config.max_heap_size_bytes", "is 0");
            _monitors[monitor.Name] = () => (double)GC.GetTotalMemory(forceFullCollection: false) / heap.MaxHeapSizeBytes;
        }
        else if (any.TryRead<DownstreamConnectionsConfig>(out var connections))
        {
            if (connections.MaxActiveDownstreamConnections is <= 0 or > int.MaxValue) throw new ConfigRefusedException(path + ".typed_config.max_active_downstream_connections", "must be more than 0");
            _state.MaxConnections = (int)connections.MaxActiveDownstreamConnections;
            _monitors[monitor.Name] = () => (double)_state.Connections / _state.MaxConnections;
        }
        else if (any.TryRead<CgroupMemoryConfig>(out var cgroup))
        {
            var most = cgroup.MaxMemoryBytes > 0 ? cgroup.MaxMemoryBytes : (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            _monitors[monitor.Name] = () => (double)Environment.WorkingSet / most;
        }
        else throw new ConfigRefusedException(path, $"the resource monitor {monitor.Name} ({any.TypeUrl}) is not supported");
    }

    private void AddAction(OverloadAction action, string path, StatsStore stats)
    {
        Action<OverloadState, bool> set = action.Name switch
        {
            "envoy.overload_actions.stop_accepting_requests" => static (state, on) => state.StopsRequests = on,
            "envoy.overload_actions.stop_accepting_connections" or "envoy.overload_actions.reject_incoming_connections" => static (state, on) => state.StopsConnections = on,
            "envoy.overload_actions.disable_http_keepalive" => static (state, on) => state.EndsKeepAlive = on,
            "envoy.overload_actions.shrink_heap" => static (_, on) =>
            {
                if (on) GC.Collect(2, GCCollectionMode.Optimized, blocking: false);
            },
            _ => throw new ConfigRefusedException(path + ".name", $"the action {action.Name} is not supported"),
        };
        var triggers = action.Triggers.Select((trigger, i) => (trigger.Name, trigger.TriggerOneofCase switch
        {
            _ when !_monitors.ContainsKey(trigger.Name) => throw new ConfigRefusedException($"{path}.triggers[{i}].name", $"there is no resource monitor {trigger.Name}"),
            Trigger.TriggerOneofOneofCase.Threshold => trigger.Threshold.Value,
            // What can only be on or off is on once the pressure reaches saturation.
            Trigger.TriggerOneofOneofCase.Scaled => trigger.Scaled.SaturationThreshold,
            _ => throw new ConfigRefusedException($"{path}.triggers[{i}]", "has no threshold"),
        })).ToArray();
        var active = 0;
        _actions.Add(((state, on) =>
        {
            Volatile.Write(ref active, on ? 1 : 0);
            set(state, on);
        }, triggers));
        stats.Compute($"overload.{action.Name}.active", () => Volatile.Read(ref active));
    }
}
