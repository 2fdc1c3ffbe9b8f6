using System.Text;
using Lateen.Foundation.Logging;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Admin;

/// <summary>Shows and changes the levels of the loggers, by Envoy's words.</summary>
internal static class LoggingPage
{
    private static readonly string[] Scopes = ["default", "xds", "dns"];

    public static string Text(LogLevels? levels)
    {
        var page = new StringBuilder("active loggers:\n");
        foreach (var scope in Scopes) page.Append("  ").Append(scope).Append(": ").Append(WordOf(levels?[scope] ?? LogLevel.Information)).Append('\n');
        return page.ToString();
    }

    /// <summary><c>level=WORD</c> for all, <c>paths=NAME:WORD,…</c> or <c>NAME=WORD</c> for some; the problem, or null.</summary>
    public static string? Change(LogLevels? levels, Dictionary<string, string> query)
    {
        if (levels is null || query.Count == 0) return null;
        var changes = query.Count == 1 && query.TryGetValue("level", out var every) ? Scopes.Select(scope => (scope, every)).ToList()
            : query.TryGetValue("paths", out var paths) ? [.. paths.Split(',').Select(part => part.Split(':') is [var name, var word] ? (name, word) : (part, ""))]
            : [.. query.Select(pair => (pair.Key, pair.Value))];
        foreach (var (scope, word) in changes)
        {
            if (!Scopes.Contains(scope)) return $"error: unknown logger '{scope}'\n";
            if (LevelOf(word) is null) return $"error: unknown logger level '{word}'\n";
        }
        foreach (var (scope, word) in changes) levels[scope] = LevelOf(word)!.Value;
        return null;
    }

    private static LogLevel? LevelOf(string word) => word switch
    {
        "trace" or "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warning" or "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "critical" => LogLevel.Critical,
        "off" => LogLevel.None,
        _ => null,
    };

    private static string WordOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        LogLevel.Critical => "critical",
        _ => "off",
    };
}
