using System.Globalization;
using System.Text.Json.Nodes;
using Lateen.Pilot.Serving;
using Lateen.Support;

namespace Lateen.Pilot.Tests.Harness;

/// <summary>
/// Pilot as a user starts it, in the test's own process: objects are files, clients come over the network. Disposing fails the
/// test when an error was logged.
/// </summary>
internal sealed class RunningPilot : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly LogCapture _logs = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new();
    private Task _run = Task.CompletedTask;

    private RunningPilot()
    {
    }

    public PilotAddresses Addresses { get; private set; } = null!;

    public string XdsTarget => $"http://127.0.0.1:{Addresses.Grpc.Port}";

    public static async Task<RunningPilot> StartAsync(string objects, string config = "", string mesh = "{}", Func<PilotOptions, PilotOptions>? change = null)
    {
        var pilot = new RunningPilot();
        pilot.WriteObjects("objects", objects);
        pilot.WriteConfig("config", config);
        var options = new PilotOptions
        {
            KubeObjectsFolder = pilot._folder.PathOf("objects"), ConfigFolder = pilot._folder.PathOf("config"), MeshConfigFile = pilot._folder.Write("mesh.yaml", mesh),
            GrpcAddress = "127.0.0.1:0", HttpAddress = "127.0.0.1:0", MonitoringAddress = "127.0.0.1:0", DebounceAfter = TimeSpan.FromMilliseconds(10),
        };
        var server = new PilotServer(change?.Invoke(options) ?? options, pilot._logs);
        pilot._run = Task.Run(() => server.RunAsync(pilot._stop.Token));
        pilot.Addresses = await server.Started.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        return pilot;
    }

    public void WriteObjects(string name, string yaml) => Replace(_folder.PathOf("objects", name + ".yaml"), yaml);

    public void WriteConfig(string name, string yaml) => Replace(_folder.PathOf("config", name + ".yaml"), yaml);

    /// <summary>Announces an error that will be logged.</summary>
    public void Expect(string part) => _logs.Expect(part);

    public async Task<JsonNode> GetAsync(string path) =>
        JsonNode.Parse(await _http.GetStringAsync($"http://127.0.0.1:{Addresses.Http.Port}{path}", TestContext.Current.CancellationToken))!;

    public Task<string> GetTextAsync(string path) => _http.GetStringAsync($"http://127.0.0.1:{Addresses.Http.Port}{path}", TestContext.Current.CancellationToken);

    /// <summary>The version of the snapshot that proxies get.</summary>
    public async Task<string> VersionAsync() => (string)(await GetAsync("/debug/push_status"))["version"]!;

    /// <summary>Waits until proxies get a newer snapshot than this one.</summary>
    public Task NewerThanAsync(string version) => Eventually.TrueAsync(async () => await VersionAsync() != version, what: "a newer snapshot");

    /// <summary>The sum of a metric over all labels that hold a text; 0 when there is none.</summary>
    public async Task<double> MetricAsync(string name, string label = "")
    {
        var text = await _http.GetStringAsync($"http://127.0.0.1:{Addresses.Monitoring.Port}/metrics", TestContext.Current.CancellationToken);
        return text.Split('\n').Where(l => (l.StartsWith(name + " ", StringComparison.Ordinal) || l.StartsWith(name + "{", StringComparison.Ordinal)) && l.Contains(label))
            .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
        _http.Dispose();
        _folder.Dispose();
        _logs.Dispose();
    }

    /// <summary>Whole or not at all, as editors and mounted volumes replace files.</summary>
    private static void Replace(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
