using System.Collections.Concurrent;
using Lateen.Proxy.Buffers;

namespace Lateen.Proxy.AccessLogs;

/// <summary>
/// A file that log lines are appended to by a thread of its own, so that a slow disk or pipe never holds a worker. When more
/// waits than may wait, the newest lines are dropped and counted. Any thread.
/// </summary>
internal sealed class LogFileSink : IDisposable
{
    private const int MostWaiting = 16 << 20;
    private static readonly TimeSpan FlushInterval = TimeSpan.FromMilliseconds(200);
    private static readonly ConcurrentDictionary<string, LogFileSink> Open = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly Thread _writer;
    // Without spinning: the writer waits for its next turn, not for anybody in a hurry.
    private readonly ManualResetEventSlim _wake = new(initialState: false, spinCount: 0);
    private ByteBuilder _filling = new();
    private ByteBuilder _flushing = new();
    private volatile bool _stop;
    private volatile bool _reopen;
    private Stream? _stream;

    private LogFileSink(string path)
    {
        _path = path;
        _writer = new Thread(Run) { Name = "access-log", IsBackground = true };
        _writer.Start();
    }

    /// <summary>Lines that were dropped.</summary>
    public long Dropped { get; private set; }

    /// <summary>The sink of a path; the same one for the same path. /dev/stdout and /dev/stderr are the process's own.</summary>
    public static LogFileSink For(string path) => Open.GetOrAdd(path, static key => new LogFileSink(key));

    /// <summary>Writes out everything that waits; before the process ends.</summary>
    public static void FlushAll()
    {
        foreach (var sink in Open.Values) sink.Flush();
    }

    /// <summary>Opens the files anew at the next write: they were rotated away.</summary>
    public static void ReopenAll()
    {
        foreach (var sink in Open.Values) sink._reopen = true;
    }

    public void Write(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            if (_filling.Length + line.Length > MostWaiting) Dropped++;
            else _filling.Append(line);
        }
    }

    public void Dispose()
    {
        _stop = true;
        _wake.Set();
        _writer.Join();
    }

    private void Run()
    {
        while (!_stop)
        {
            _wake.Wait(FlushInterval);
            _wake.Reset();
            Flush();
        }
    }

    private void Flush()
    {
        lock (_wake)
        {
            lock (_gate) (_filling, _flushing) = (_flushing, _filling);
            if (_flushing.Length == 0) return;
            try
            {
                if (_reopen) Close();
                _stream ??= OpenFile();
                _stream.Write(_flushing.Span);
                _stream.Flush();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Close();
            }
            _flushing.Clear();
        }
    }

    private Stream OpenFile() => _path switch
    {
        "/dev/stdout" => Console.OpenStandardOutput(),
        "/dev/stderr" => Console.OpenStandardError(),
        _ => new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite),
    };

    private void Close()
    {
        _stream?.Dispose();
        (_stream, _reopen) = (null, false);
    }
}
