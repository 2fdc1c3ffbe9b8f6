using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Lateen.Agent.Status;

/// <summary>
/// The agent's port 15020: readiness of the proxy, metrics of proxy and application together, and the way to end the pod's sidecar.
/// Source: inventory AGT; Istio's pilot-agent status server. Any thread.
/// </summary>
internal sealed class StatusServer(string address, int port, string proxyAdmin, Func<string, string?> annotation, Action quit, ILogger log) : IAsyncDisposable
{
    // Without capture the application may have an address of its own (our ISTIO_META_APP_ADDRESS).
    private static readonly string Application = Environment.GetEnvironmentVariable("ISTIO_META_APP_ADDRESS") is { Length: > 0 } own ? own : "127.0.0.1";

    private readonly HttpListener _listener = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(3) };
    private Task _run = Task.CompletedTask;

    /// <summary>Draining: not ready whatever the proxy says.</summary>
    public bool IsDraining { get; set; }

    public void Start()
    {
        _listener.Prefixes.Add($"http://{(address == "0.0.0.0" ? "+" : address)}:{port}/");
        _listener.Start();
        _run = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _run;
        _http.Dispose();
    }

    /// <summary>The proxy has all that the control plane has to give it.</summary>
    public async Task<bool> IsReadyAsync()
    {
        try
        {
            using var response = await _http.GetAsync($"{proxyAdmin}/ready");
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task RunAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            _ = ServeAsync(context);
        }
    }

    private async Task ServeAsync(HttpListenerContext context)
    {
        try
        {
            var (status, body, type) = context.Request.Url?.AbsolutePath switch
            {
                "/healthz/ready" => !IsDraining && await IsReadyAsync() ? (200, "", "text/plain") : (503, "the proxy is not ready\n", "text/plain"),
                "/healthz/live" => (200, "", "text/plain"),
                "/stats/prometheus" => (200, await MetricsAsync(), "text/plain; version=0.0.4; charset=utf-8"),
                "/quitquitquit" when context.Request.HttpMethod == "POST" => Quit(),
                "/quitquitquit" => (405, "Method Not Allowed\n", "text/plain"),
                // parity: pilot/cmd/pilot-agent/status answers a probe path that it does not know with 400.
                { } path when path.StartsWith("/app-health/", StringComparison.Ordinal) => (400, "unknown probe path\n", "text/plain"),
                _ => (404, "", "text/plain"),
            };
            var bytes = Encoding.UTF8.GetBytes(body);
            (context.Response.StatusCode, context.Response.ContentType, context.Response.ContentLength64) = (status, type, bytes.Length);
            await context.Response.OutputStream.WriteAsync(bytes);
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException or InvalidOperationException)
        {
            log.LogDebug("a status request ended early: {Reason}", e.Message);
        }
    }

    private (int, string, string) Quit()
    {
        quit();
        return (200, "OK\n", "text/plain");
    }

    /// <summary>The proxy's metrics, and behind them those of the application when its annotations say where they are.</summary>
    private async Task<string> MetricsAsync()
    {
        var text = new StringBuilder(await FetchAsync($"{proxyAdmin}/stats/prometheus"));
        if (annotation("prometheus.io/scrape") == "true" && annotation("prometheus.io/port") is { } own && own != port.ToString(System.Globalization.CultureInfo.InvariantCulture))
            text.Append(await FetchAsync($"http://{Application}:{own}{annotation("prometheus.io/path") ?? "/metrics"}"));
        return text.ToString();
    }

    private async Task<string> FetchAsync(string url)
    {
        try
        {
            return await _http.GetStringAsync(url);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or InvalidOperationException)
        {
            return "";
        }
    }
}
