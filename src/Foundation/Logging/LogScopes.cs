using Microsoft.Extensions.Logging;

namespace Lateen.Foundation.Logging;

/// <summary>
/// Makes loggers whose category is an Istio log scope ("ads", "default", …) and whose lines have Istio's form:
/// <c>2026-01-02T03:04:05.123456Z⇥info⇥ads⇥message</c>; the scope "default" is left out.
/// </summary>
public static class LogScopes
{
    /// <summary>A factory that writes where the options say. Disposing it flushes.</summary>
    public static ILoggerFactory CreateFactory(LogOptions options) => new LogScopeFactory(options);

    /// <summary>The levels of a factory made here, to change them while the process runs; null for any other factory.</summary>
    public static LogLevels? LevelsOf(ILoggerFactory factory) => (factory as LogScopeFactory)?.Levels;
}

internal sealed class LogScopeFactory(LogOptions options) : ILoggerFactory
{
    private readonly LogSink[] _sinks = LogSink.Open(options);

    public LogLevels Levels { get; } = options.OutputLevels;

    public ILogger CreateLogger(string categoryName) => new ScopeLogger(ScopeOf(categoryName), Levels, _sinks, options.AsJson);

    public void AddProvider(ILoggerProvider provider) => throw new InvalidOperationException("The log lines of a process go where its flags say.");

    public void Dispose()
    {
        foreach (var sink in _sinks) sink.Dispose();
    }

    /// <summary>Libraries name their categories after types: those go to "default".</summary>
    private static string ScopeOf(string category) => category.Contains('.', StringComparison.Ordinal) ? "default" : category;
}

internal sealed class ScopeLogger(string scope, LogLevels levels, LogSink[] sinks, bool asJson) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel level) => level != LogLevel.None && level >= levels[scope];

    public void Log<TState>(LogLevel level, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(level)) return;
        var line = LogLine.Format(DateTime.UtcNow, level, scope, formatter(state, exception), exception, asJson, withStack: levels[scope] <= LogLevel.Debug);
        foreach (var sink in sinks) sink.Write(line);
    }
}
