using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Lateen.Support;

/// <summary>
/// Loggers that keep their lines in memory. Disposing fails the test when a line of level Error or worse was written that
/// the test had not announced with <see cref="Expect"/>.
/// </summary>
public sealed class LogCapture : ILoggerFactory
{
    private readonly ConcurrentQueue<LogRecord> _records = new();
    private readonly List<string> _expected = [];

    /// <summary>Every line so far.</summary>
    public IReadOnlyList<LogRecord> Records => [.. _records];

    /// <summary>The lines of a scope.</summary>
    public IReadOnlyList<LogRecord> Of(string scope) => [.. _records.Where(record => record.Scope == scope)];

    /// <summary>Announces errors whose message or exception holds a text.</summary>
    public LogCapture Expect(string part)
    {
        _expected.Add(part);
        return this;
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var surprises = _records.Where(record => record.Level >= LogLevel.Error && !_expected.Any(part => record.ToString().Contains(part, StringComparison.Ordinal))).ToArray();
        if (surprises.Length > 0) Assert.Fail($"errors were logged that the test does not expect:\n{string.Join('\n', surprises.AsEnumerable())}");
    }

    private sealed class Writer(LogCapture capture, string scope) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            capture._records.Enqueue(new LogRecord(logLevel, scope, formatter(state, exception), exception));
    }
}

/// <summary>One captured line.</summary>
public sealed record LogRecord(LogLevel Level, string Scope, string Message, Exception? Exception)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Level} {Scope}: {Message}{(Exception is null ? "" : $" ({Exception})")}";
}
