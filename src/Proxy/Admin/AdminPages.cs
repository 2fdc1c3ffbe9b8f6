using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Upstream.Clusters;

namespace Lateen.Proxy.Admin;

/// <summary>The admin pages. Runs on the thread pool. Source: Envoy's "Administration interface".</summary>
internal sealed class AdminPages(ProxyServer server)
{
    private const string Json = "application/json", Text = "text/plain; charset=UTF-8", Html = "text/html; charset=UTF-8";

    public Task<DirectAnswer> ServeAsync(DirectRequest request)
    {
        var cut = request.Path.IndexOf('?', StringComparison.Ordinal);
        var path = cut < 0 ? request.Path : request.Path[..cut];
        var query = cut < 0 ? [] : ParseQuery(request.Path[(cut + 1)..]);
        return Task.FromResult(Answer(request.Method, path.Length > 1 ? path.TrimEnd('/') : path, query));
    }

    private DirectAnswer Answer(string method, string path, Dictionary<string, string> query) => path switch
    {
        "/" => Page(Html, Index()),
        "/ready" => server.IsReady && !server.HealthCheckFailed ? Page(Text, "LIVE\n") : Page(Text, server.IsReady ? "DRAINING\n" : "PRE_INITIALIZING\n", 503),
        "/server_info" => Page(Json, ServerInfo().ToJsonString(Indented)),
        "/config_dump" => Page(Json, ConfigDump.Write(server, query)),
        "/clusters" => query.GetValueOrDefault("format") == "json" ? Page(Json, ClusterPages.Json(server.Resources.Dump().States)) : Page(Text, ClusterPages.Text(server.Resources.Dump().States)),
        "/listeners" => query.GetValueOrDefault("format") == "json" ? Page(Json, ListenersJson()) : Page(Text, string.Concat(server.Resources.Dump().Serving.Select(listener => $"{listener.Name}::{listener.Address}\n"))),
        "/stats" or "/stats/prometheus" => Stats(path, query),
        "/memory" => Page(Json, new JsonObject
        {
            ["allocated"] = GC.GetTotalMemory(false).ToString(CultureInfo.InvariantCulture),
            ["heap_size"] = GC.GetGCMemoryInfo().HeapSizeBytes.ToString(CultureInfo.InvariantCulture),
            ["total_physical_bytes"] = Process.GetCurrentProcess().WorkingSet64.ToString(CultureInfo.InvariantCulture),
        }.ToJsonString(Indented)),
        "/certs" => Page(Json, CertsPage.Write(server.Resources.Dump())),
        "/runtime" => Page(Json, RuntimePage.Json(server.Bootstrap)),
        "/logging" or "/healthcheck/fail" or "/healthcheck/ok" or "/drain_listeners" or "/quitquitquit" or "/reset_counters" when method != "POST" =>
            Page(Text, $"Method {method} not allowed, POST required.\n", 405),
        "/logging" => LoggingPage.Change(server.Options.Levels, query) is { } problem ? Page(Text, problem, 400) : Page(Text, LoggingPage.Text(server.Options.Levels)),
        "/healthcheck/fail" => Do(() => server.HealthCheckFailed = true),
        "/healthcheck/ok" => Do(() => server.HealthCheckFailed = false),
        "/drain_listeners" => Do(() => server.Drain(query.ContainsKey("inboundonly"), query.ContainsKey("graceful"))),
        "/quitquitquit" => Do(server.AskToQuit),
        "/reset_counters" => Do(server.Stats.ResetCounters),
        _ => Page(Text, "invalid path. admin commands are:\n" + string.Concat(Commands.Select(command => $"  {command}\n")), 404),
    };

    private static readonly string[] Commands =
    [
        "/", "/certs", "/clusters", "/config_dump", "/drain_listeners", "/healthcheck/fail", "/healthcheck/ok", "/listeners", "/logging", "/memory", "/quitquitquit", "/ready",
        "/reset_counters", "/runtime", "/server_info", "/stats", "/stats/prometheus",
    ];

    internal static readonly System.Text.Json.JsonSerializerOptions Indented = new() { WriteIndented = true, TypeInfoResolver = AdminJson.Default };

    private DirectAnswer Stats(string path, Dictionary<string, string> query)
    {
        Regex? filter = null;
        if (query.TryGetValue("filter", out var pattern) && pattern.Length > 0)
            try
            {
                filter = SafeRegex.Compile(pattern, "filter", wholeText: false);
            }
            catch (ConfigRefusedException e)
            {
                return Page(Text, $"Invalid re2 regex: {e.Message}\n", 400);
            }
        var format = path == "/stats" ? query.GetValueOrDefault("format", "text") : "prometheus";
        return format switch
        {
            "prometheus" => new(200, "text/plain; version=0.0.4; charset=utf-8", PrometheusPage.Write(server.Stats, query.ContainsKey("usedonly"), filter)),
            "json" or "text" or "html" => Page(format == "json" ? Json : Text, StatsPages.Write(server.Stats, format == "json", query.ContainsKey("usedonly"), query.GetValueOrDefault("type"), filter)),
            _ => Page(Text, "usage: /stats?format=(html|active-html|json|prometheus|text)\n\n", 400),
        };
    }

    private string ListenersJson() => new JsonObject
    {
        ["listener_statuses"] = new JsonArray([.. server.Resources.Dump().Serving.Select(listener => (JsonNode)new JsonObject
        {
            ["name"] = listener.Name,
            ["local_address"] = listener.Address.Path is { } pipe
                ? new JsonObject { ["pipe"] = new JsonObject { ["path"] = pipe } }
                : new JsonObject { ["socket_address"] = new JsonObject { ["address"] = listener.Address.ToIpAddress().ToString(), ["port_value"] = listener.Address.Port } },
        })]),
    }.ToJsonString(Indented) + "\n";

    private JsonObject ServerInfo() => new()
    {
        ["version"] = $"lateen/{typeof(AdminPages).Assembly.GetName().Version}",
        ["state"] = server.IsReady ? server.HealthCheckFailed ? "DRAINING" : "LIVE" : "PRE_INITIALIZING",
        ["uptime_current_epoch"] = $"{(long)Stopwatch.GetElapsedTime(server.StartedAt).TotalSeconds}s",
        ["uptime_all_epochs"] = $"{(long)Stopwatch.GetElapsedTime(server.StartedAt).TotalSeconds}s",
        ["hot_restart_version"] = "disabled",
        ["command_line_options"] = new JsonObject
        {
            ["concurrency"] = server.Stats.Workers,
            ["restart_epoch"] = server.Options.RestartEpoch,
            ["drain_time"] = $"{server.Options.DrainTime.TotalSeconds:0}s",
            ["service_node"] = server.Bootstrap.Node?.Id,
            ["service_cluster"] = server.Bootstrap.Node?.Cluster,
        },
        ["node"] = server.Bootstrap.Node is { } node ? JsonNode.Parse(AnyRegistry.ProtoNameFormatter.Format(node)) : null,
    };

    private static string Index() =>
        "<!DOCTYPE html><html><head><title>Lateen proxy admin</title></head><body><h1>Proxy admin</h1><ul>"
        + string.Concat(Commands.Select(command => $"<li><a href=\"{command}\">{command}</a></li>")) + "</ul></body></html>\n";

    private static DirectAnswer Do(Action action)
    {
        action();
        return Page(Text, "OK\n");
    }

    private static DirectAnswer Page(string type, string body, int status = 200) => new(status, type, Encoding.UTF8.GetBytes(body));

    private static Dictionary<string, string> ParseQuery(string query)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            parameters[Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals])] = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }
        return parameters;
    }
}
