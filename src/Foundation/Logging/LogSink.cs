using System.Globalization;
using System.Text;

namespace Lateen.Foundation.Logging;

/// <summary>One place that log lines go to. Any thread; a line is written whole.</summary>
internal sealed class LogSink : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string? _rotatedPath;
    private readonly LogOptions _options;
    private readonly bool _ownsStream;
    private Stream _stream;

    private LogSink(Stream stream, bool ownsStream, LogOptions options, string? rotatedPath = null) =>
        (_stream, _ownsStream, _options, _rotatedPath) = (stream, ownsStream, options, rotatedPath);

    public static LogSink[] Open(LogOptions options)
    {
        var sinks = options.Targets.Select(target => target switch
        {
            "stdout" => new LogSink(Console.OpenStandardOutput(), false, options),
            "stderr" => new LogSink(Console.OpenStandardError(), false, options),
            _ => new LogSink(Append(target), true, options),
        });
        if (options.RotatePath is { } path) sinks = sinks.Append(new LogSink(Append(path), true, options, path));
        return [.. sinks];
    }

    public void Write(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        lock (_gate)
        {
            try
            {
                if (_rotatedPath is not null && _stream.Length + bytes.Length > _options.RotateMaxSize) Rotate();
                _stream.Write(bytes);
                _stream.Flush();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A full disk or a closed pipe loses the line, never the process.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_ownsStream) _stream.Dispose();
        }
    }

    private static FileStream Append(string path) => new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);

    /// <summary>Renames the file with a time stamp, as Istio's log library does, and drops those that are too many or too old.</summary>
    private void Rotate()
    {
        _stream.Dispose();
        var folder = Path.GetDirectoryName(Path.GetFullPath(_rotatedPath!))!;
        var (name, extension) = (Path.GetFileNameWithoutExtension(_rotatedPath!), Path.GetExtension(_rotatedPath!));
        var stamp = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH-mm-ss.fff", CultureInfo.InvariantCulture);
        File.Move(_rotatedPath!, Path.Combine(folder, $"{name}-{stamp}{extension}"), overwrite: true);
        var old = Directory.GetFiles(folder, $"{name}-*{extension}").OrderDescending(StringComparer.Ordinal).ToArray();
        var oldest = DateTime.UtcNow.AddDays(-_options.RotateMaxAgeDays);
        for (var i = 0; i < old.Length; i++)
            if (i >= _options.RotateMaxBackups || File.GetLastWriteTimeUtc(old[i]) < oldest)
                File.Delete(old[i]);
        _stream = Append(_rotatedPath!);
    }
}
