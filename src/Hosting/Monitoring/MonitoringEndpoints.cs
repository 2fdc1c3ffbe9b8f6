using System.Buffers;
using System.Diagnostics;
using Lateen.Foundation.Cli;
using Lateen.Foundation.Lifecycle;
using Lateen.Foundation.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Lateen.Hosting.Monitoring;

/// <summary>
/// What every control-plane server serves on its monitoring port (15014, inventory COM-11): <c>/metrics</c>,
/// <c>/version</c> and <c>/ready</c>.
/// </summary>
public static class MonitoringEndpoints
{
    /// <summary>
    /// Serves the three pages and adds what every process reports of itself: <c>istio_build</c> (COM-4) and the process
    /// metrics of Prometheus' client libraries.
    /// </summary>
    public static void MapMonitoring(this IEndpointRouteBuilder endpoints, string component, MetricRegistry metrics, Readiness? readiness = null)
    {
        metrics.Gauge("istio_build", "Istio component build info", "component", "tag").With(component, BuildVersion.Current.Version).Set(1);
        AddProcess(metrics);
        endpoints.MapGet("/metrics", async context =>
        {
            var text = new ArrayBufferWriter<byte>(1 << 14);
            metrics.WriteText(text);
            context.Response.ContentType = MetricRegistry.ContentType;
            await context.Response.Body.WriteAsync(text.WrittenMemory, context.RequestAborted);
        });
        endpoints.MapGet("/version", context => context.Response.WriteAsync(BuildVersion.Current.ToString(), context.RequestAborted));
        endpoints.MapReady(readiness);
    }

    /// <summary>Serves <c>/ready</c>: 200, or 503 and the names of what is still awaited, one a line.</summary>
    public static void MapReady(this IEndpointRouteBuilder endpoints, Readiness? readiness, string path = "/ready") =>
        endpoints.MapGet(path, context =>
        {
            if (readiness is null or { IsReady: true }) return Task.CompletedTask;
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync(string.Join('\n', readiness.Awaited) + "\n", context.RequestAborted);
        });

    private static void AddProcess(MetricRegistry metrics)
    {
        var cpu = metrics.Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.").With();
        var memory = metrics.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.").With();
        var files = metrics.Gauge("process_open_fds", "Number of open file descriptors.").With();
        var threads = metrics.Gauge("process_threads", "Number of OS threads of the process.").With();
        var heap = metrics.Gauge("dotnet_total_memory_bytes", "Bytes allocated on the managed heap.").With();
        metrics.Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").With()
            .Set(new DateTimeOffset(Process.GetCurrentProcess().StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0);
        metrics.BeforeWrite(() =>
        {
            using var process = Process.GetCurrentProcess();
            cpu.Increment(process.TotalProcessorTime.TotalSeconds - cpu.Value);
            memory.Set(process.WorkingSet64);
            threads.Set(process.Threads.Count);
            heap.Set(GC.GetTotalMemory(forceFullCollection: false));
            files.Set(Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
        });
    }
}
