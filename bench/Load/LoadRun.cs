namespace Lateen.Bench.Load;

/// <summary>One measurement of one contender in one round.</summary>
internal sealed record Sample(string Contender, string Scenario, CpuTime PerRequest, double PerSecond, double P50, double P99, double Busy, long Errors);

/// <summary>
/// All contenders, interleaved: 1. start backend and proxies; 2. warm each up; 3. for every scenario, round by round, each in turn;
/// 4. the latencies at one rate for all; 5. write the results. The proxy has one processor, client and backend have the other.
/// </summary>
internal static class LoadRun
{
    private const string Primary = "lateen";

    public static async Task<int> RunAsync(BenchOptions options)
    {
        foreach (var needed in new[] { "wrk", "h2load", "nginx", "openssl", "taskset" })
            if (Contender.OnPath(needed) is null)
            {
                await Console.Error.WriteLineAsync($"lateen bench: {needed} is missing (Debian: wrk, nghttp2-client, nginx-light, openssl, util-linux)");
                return 69;
            }
        var (rounds, seconds) = (options.Number("rounds", 3), options.Number("seconds", 4));
        var (client, proxy) = (0, Environment.ProcessorCount > 1 ? 1 : 0);
        var folder = Directory.CreateTempSubdirectory("lateen-bench-").FullName;
        // Chosen by hand: nginx's worker must read the large file whoever runs it.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        var ports = new FreePorts();
        var contenders = Contender.Find(options).ToList();
        try
        {
            // 1
            var backends = new Backends(ports.Next(), ports.Next(), ports.Next(), BenchCertificates.Write(folder));
            using var backend = MeasuredProcess.Start(client, Contender.OnPath("nginx")!, "-c", Configurations.Backend(backends, folder), "-p", folder, "-e", "stderr");
            if (!backend.Serves(backends.Http1)) throw new InvalidOperationException("the backend does not start: " + backend.Errors);
            foreach (var contender in contenders)
            {
                contender.Start(proxy, backends, folder, ports);
                Console.WriteLine(contender.Process is null ? $"{contender.Name} does not start: {contender.Absence}" : $"{contender.Name} ({contender.Version}): {contender.IdleMiB:F0} MiB idle");
            }
            contenders.RemoveAll(contender => contender.Process is null);
            var scenarios = Scenario.All.Where(scenario => options.Wants("scenarios", scenario.Name)).ToList();

            // 2
            foreach (var contender in contenders)
                foreach (var scenario in scenarios.Where(scenario => contender.PortOf(scenario.Port) > 0).DistinctBy(scenario => (scenario.Port, scenario.PostBytes > 0, scenario.Client)))
                    LoadClient.Run(client, scenario, contender.PortOf(scenario.Port), Math.Max(4, seconds), folder);

            // 3
            var samples = new List<Sample>();
            foreach (var scenario in scenarios)
                for (var round = 0; round < rounds; round++)
                    for (var i = 0; i < contenders.Count; i++)
                    {
                        var contender = contenders[(i + round) % contenders.Count];
                        if (contender.PortOf(scenario.Port) == 0) continue;
                        samples.Add(Measure(client, contender, scenario, seconds, folder));
                        Console.WriteLine(Results.Line(samples[^1]));
                    }

            // 4
            var atRate = new List<Sample>();
            if (scenarios.Find(scenario => scenario.Name == "http-small") is { } small)
            {
                var rate = (int)(samples.Where(sample => sample.Scenario == small.Name).Select(sample => sample.PerSecond).DefaultIfEmpty(10_000).Min() / 2);
                for (var round = 0; round < rounds; round++)
                    foreach (var contender in contenders)
                        atRate.Add(AtRate(client, contender, small, seconds, rate, folder));
            }
            foreach (var contender in contenders) contender.LoadedMiB = contender.Process!.ResidentMiB;

            // 5
            var path = await Results.WriteAsync(contenders, scenarios, samples, atRate, Primary);
            Console.WriteLine(await File.ReadAllTextAsync(path));
            Console.WriteLine($"written: {path}");
            return 0;
        }
        finally
        {
            foreach (var contender in contenders) contender.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Sample Measure(int client, Contender contender, Scenario scenario, int seconds, string folder)
    {
        var before = contender.Process!.Cpu;
        var result = LoadClient.Run(client, scenario, contender.PortOf(scenario.Port), seconds, folder);
        return SampleOf(contender, scenario, contender.Process.Cpu - before, result);
    }

    private static Sample AtRate(int client, Contender contender, Scenario scenario, int seconds, int rate, string folder)
    {
        var before = contender.Process!.Cpu;
        var result = LoadClient.AtRate(client, scenario, contender.PortOf(scenario.Port), seconds, rate, folder);
        return SampleOf(contender, scenario, contender.Process.Cpu - before, result);
    }

    private static Sample SampleOf(Contender contender, Scenario scenario, CpuTime cpu, LoadResult result)
    {
        var requests = Math.Max(1, result.Requests);
        return new Sample(contender.Name, scenario.Name, new CpuTime(cpu.User / requests, cpu.System / requests), result.Requests / Math.Max(0.001, result.Seconds), result.P50, result.P99, cpu.Total / 1e6 / Math.Max(0.001, result.Seconds), result.Errors);
    }
}
