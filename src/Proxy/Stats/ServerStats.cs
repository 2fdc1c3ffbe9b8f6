using System.Diagnostics;

namespace Lateen.Proxy.Stats;

/// <summary>Statistics of the process, computed when they are read. Source: Envoy's "Server statistics".</summary>
internal static class ServerStats
{
    public static void Register(StatsStore stats, ProxyServer server)
    {
        stats.Compute("server.live", () => server.IsReady && !server.HealthCheckFailed ? 1 : 0);
        // LIVE, DRAINING, PRE_INITIALIZING (envoy.admin.v3.ServerInfo.State).
        stats.Compute("server.state", () => server.IsReady ? server.HealthCheckFailed ? 1 : 0 : 2);
        stats.Compute("server.uptime", () => (long)Stopwatch.GetElapsedTime(server.StartedAt).TotalSeconds);
        stats.Compute("server.concurrency", () => stats.Workers);
        stats.Compute("server.hot_restart_epoch", () => server.Options.RestartEpoch);
        stats.Compute("server.memory_allocated", () => GC.GetTotalMemory(forceFullCollection: false));
        stats.Compute("server.memory_heap_size", () => GC.GetGCMemoryInfo().HeapSizeBytes);
        stats.Compute("server.memory_physical_size", () => Environment.WorkingSet);
        stats.Compute("server.total_connections", () => stats.Groups.OfType<ListenerStats>().Sum(listener => listener.Read(ListenerStats.CxActive)));
    }
}
