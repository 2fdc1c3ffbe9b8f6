namespace Lateen.Bench.Load;

/// <summary>A proxy under measurement: where its program is and how it is told what to do.</summary>
/// <param name="name">How results call it.</param>
/// <param name="program">Absolute path.</param>
/// <param name="version">What it says of itself.</param>
/// <param name="configure">Writes its configuration; its arguments.</param>
/// <param name="lacks">What it cannot do.</param>
internal sealed class Contender(string name, string program, string version, Func<Backends, IReadOnlyDictionary<PortKind, int>, string, string[]> configure, params PortKind[] lacks) : IDisposable
{
    private readonly Dictionary<PortKind, int> _ports = [];

    public string Name => name;

    public string Version => version;

    public MeasuredProcess? Process { get; private set; }

    /// <summary>Resident memory before the first request.</summary>
    public double IdleMiB { get; private set; }

    /// <summary>Resident memory after the last.</summary>
    public double LoadedMiB { get; set; }

    /// <summary>Why it does not take part; null when it does.</summary>
    public string? Absence { get; private set; }

    public int PortOf(PortKind kind) => _ports.GetValueOrDefault(kind);

    /// <summary>Starts it with every listener that it can have.</summary>
    public void Start(int processor, Backends backends, string folder, FreePorts ports)
    {
        // A proxy that does not take a listener is started again without it.
        var all = Enum.GetValues<PortKind>().Except(lacks).ToArray();
        foreach (var kinds in new[] { all, [.. all.Where(kind => kind != PortKind.Tcp)], [PortKind.Http] })
        {
            _ports.Clear();
            foreach (var kind in kinds) _ports[kind] = ports.Next();
            Process = MeasuredProcess.Start(processor, program, configure(backends, _ports, folder));
            if (kinds.All(kind => Process.Serves(_ports[kind])))
            {
                Thread.Sleep(2000);
                IdleMiB = Process.ResidentMiB;
                Absence = null;
                return;
            }
            Absence = Process.Errors;
            Process.Dispose();
            Process = null;
        }
    }

    public void Dispose() => Process?.Dispose();

    /// <summary>All that are on this machine: HAProxy and nginx on PATH, Envoy there or at ENVOY_PATH, ours in artifacts/publish or at LATEEN_PUBLISH.</summary>
    public static IEnumerable<Contender> Find(BenchOptions options)
    {
        var published = Environment.GetEnvironmentVariable("LATEEN_PUBLISH") ?? Path.Combine(BenchOptions.Root, "artifacts", "publish");
        var ours = Path.Combine(published, "sidecar", "sidecar");
        if (options.Wants("proxies", "lateen") && File.Exists(ours))
            yield return new Contender("lateen", ours, "this checkout", (backend, ports, folder) => ["proxy", "-c", Configurations.Envoy(backend, ports, folder, "lateen"), "--concurrency", "1", "-l", "warning"]);
        if (options.Wants("proxies", "haproxy") && OnPath("haproxy") is { } haproxy)
            yield return new Contender("haproxy", haproxy, MeasuredProcess.Run(0, haproxy, "-v").Split('\n')[0], (backend, ports, folder) => ["-db", "-f", Configurations.HaProxy(backend, ports, folder)]);
        if (options.Wants("proxies", "nginx") && OnPath("nginx") is { } nginx)
            yield return new Contender("nginx", nginx, MeasuredProcess.Run(0, nginx, "-v").Trim(), (backend, ports, folder) => ["-c", Configurations.Nginx(backend, ports, folder), "-p", folder, "-e", "stderr"], PortKind.Http2Both);
        if (options.Wants("proxies", "envoy") && (Environment.GetEnvironmentVariable("ENVOY_PATH") ?? OnPath("envoy")) is { } envoy && File.Exists(envoy))
            yield return new Contender("envoy", envoy, MeasuredProcess.Run(0, envoy, "--version").Split("version:")[^1].Trim(), (backend, ports, folder) =>
                ["-c", Configurations.Envoy(backend, ports, folder, "envoy"), "--concurrency", "1", "-l", "warning", "--disable-hot-restart"]);
    }

    public static string? OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Append("/usr/sbin").Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

/// <summary>Ports of 127.0.0.1 that nobody listens on, each given once.</summary>
internal sealed class FreePorts
{
    private readonly HashSet<int> _given = [];

    public int Next()
    {
        while (true)
        {
            using var socket = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
            socket.Start();
            var port = ((System.Net.IPEndPoint)socket.LocalEndpoint).Port;
            if (_given.Add(port)) return port;
        }
    }
}
