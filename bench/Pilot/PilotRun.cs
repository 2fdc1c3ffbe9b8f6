using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Lateen.Bench.Pilot;

/// <summary>
/// Pilot with many services and proxies: 1. start; 2. connect the proxies in steps; 3. edit one route, several times; 4. write down CPU,
/// times and memory. Pilot has one processor, everything else the other.
/// </summary>
internal static class PilotRun
{
    public static async Task<int> RunAsync(BenchOptions options)
    {
        var (services, most, edits) = (options.Number("services", 1000), options.Number("proxies", 200), options.Number("edits", 5));
        var published = Environment.GetEnvironmentVariable("LATEEN_PUBLISH") ?? Path.Combine(BenchOptions.Root, "artifacts", "publish");
        var page = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"# Pilot, {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {services} services\n\n"));

        // 1
        using var world = await PilotWorld.StartAsync(Path.Combine(published, "meshd", "meshd"), services);
        var proxies = new List<VirtualProxy>();
        try
        {
            // 2
            Say(page, "| proxies | new | all received, s | p50 s | CPU ms for each new proxy | bytes for each | Pilot MiB |\n|---|---|---|---|---|---|---|");
            foreach (var count in new[] { 1, most / 4, most }.Where(count => count > 0).Distinct())
            {
                var (clock, before, fresh) = (Stopwatch.StartNew(), world.Pilot.Cpu, new List<VirtualProxy>());
                while (proxies.Count + fresh.Count < count) fresh.Add(new VirtualProxy(world.Target, proxies.Count + fresh.Count));
                var times = await Task.WhenAll(fresh.Select(async proxy =>
                {
                    await proxy.StartAsync();
                    await proxy.Complete.WaitAsync(TimeSpan.FromMinutes(3));
                    return clock.Elapsed.TotalSeconds;
                }));
                proxies.AddRange(fresh);
                var cpu = (world.Pilot.Cpu - before).Total / 1000 / fresh.Count;
                Say(page, $"| {proxies.Count} | {fresh.Count} | {times.Max():F2} | {times.Order().ElementAt(times.Length / 2):F2} | {cpu:F1} | {fresh.Average(proxy => proxy.Bytes):F0} | {world.Pilot.ResidentMiB:F0} |");
            }

            // 3
            Say(page, "\n| edit | p50 s to RDS | p99 s | CPU ms | Pilot MiB |\n|---|---|---|---|---|");
            for (var edit = 1; edit <= edits; edit++)
            {
                var (before, started) = (world.Pilot.Cpu, Stopwatch.GetTimestamp());
                await world.EditAsync(service: edit, timeout: $"{3 + edit}s");
                for (var deadline = Stopwatch.StartNew(); proxies.Exists(proxy => proxy.RoutesAt < started) && deadline.Elapsed < TimeSpan.FromMinutes(2);) await Task.Delay(5);
                var arrivals = proxies.Select(proxy => proxy.RoutesAt < started ? double.PositiveInfinity : Stopwatch.GetElapsedTime(started, proxy.RoutesAt).TotalSeconds).Order().ToArray();
                // What it does behind the last arrival is part of the price.
                await Task.Delay(1000);
                Say(page, $"| {edit} | {arrivals[arrivals.Length / 2]:F2} | {arrivals[(int)(arrivals.Length * 0.99)]:F2} | {(world.Pilot.Cpu - before).Total / 1000:F0} | {world.Pilot.ResidentMiB:F0} |");
            }
        }
        finally
        {
            foreach (var proxy in proxies) await proxy.DisposeAsync();
        }

        // 4
        var path = Path.Combine(BenchOptions.Root, "bench", "results", string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd}-pilot.md"));
        await File.WriteAllTextAsync(path, page.ToString());
        Console.WriteLine(page);
        Console.WriteLine($"written: {path}");
        return 0;
    }

    private static void Say(StringBuilder page, FormattableString line)
    {
        page.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }

    private static void Say(StringBuilder page, string line) => page.Append(line).Append('\n');
}
