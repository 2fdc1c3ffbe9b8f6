using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Lateen.Foundation.Logging;

/// <summary>The lowest level that each scope writes; may be changed while the process runs. Any thread.</summary>
public sealed class LogLevels
{
    private const string DefaultScope = "default";
    private readonly ConcurrentDictionary<string, LogLevel> _byScope = new(StringComparer.Ordinal) { [DefaultScope] = LogLevel.Information };

    /// <summary>Every scope at info.</summary>
    public static LogLevels Default => new();

    /// <summary>The level of a scope: its own, else that of "default".</summary>
    public LogLevel this[string scope]
    {
        get => _byScope.TryGetValue(scope, out var level) ? level : _byScope[DefaultScope];
        set => _byScope[scope] = value;
    }

    /// <summary>The scopes that have a level of their own.</summary>
    public IReadOnlyDictionary<string, LogLevel> Named => _byScope;

    /// <summary>Reads <c>scope:level,…</c>; a level alone, or the scope "all", is for every scope.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out LogLevels? levels, [NotNullWhen(false)] out string? problem)
    {
        levels = new LogLevels();
        problem = null;
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (scope, word) = part.Split(':') switch
            {
                [var only] => (DefaultScope, only),
                [var name, var given] => (name is "all" ? DefaultScope : name, given),
                _ => ("", ""),
            };
            if (!TryParseLevel(word, out var level))
            {
                levels = null;
                problem = $"'{part}' is not scope:level with a level of none, fatal, error, warn, info, debug";
                return false;
            }
            levels._byScope[scope] = level;
        }
        return true;
    }

    /// <summary>Reads one of Istio's level words.</summary>
    public static bool TryParseLevel(string word, out LogLevel level)
    {
        (var known, level) = word.ToLowerInvariant() switch
        {
            "none" => (true, LogLevel.None),
            "fatal" => (true, LogLevel.Critical),
            "error" => (true, LogLevel.Error),
            "warn" or "warning" => (true, LogLevel.Warning),
            "info" => (true, LogLevel.Information),
            "debug" => (true, LogLevel.Debug),
            _ => (false, LogLevel.None),
        };
        return known;
    }

    /// <summary>Istio's word for a level.</summary>
    public static string WordOf(LogLevel level) => level switch
    {
        LogLevel.Critical => "fatal",
        LogLevel.Error => "error",
        LogLevel.Warning => "warn",
        LogLevel.Information => "info",
        LogLevel.None => "none",
        _ => "debug",
    };
}
