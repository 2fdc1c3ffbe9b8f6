using System.Globalization;
using System.Text;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>What <c>kubectl logs</c> asks for (PodLogOptions of core/v1). Immutable.</summary>
internal sealed record LogRequest
{
    /// <summary>Go on while the container runs.</summary>
    public bool Follow { get; init; }

    /// <summary>Put its time before each line.</summary>
    public bool Timestamps { get; init; }

    /// <summary>Only so many of the last lines; null for all.</summary>
    public long? TailLines { get; init; }

    /// <summary>At most so many bytes; null for all.</summary>
    public long? LimitBytes { get; init; }

    /// <summary>Only lines from this time on; null for all.</summary>
    public DateTimeOffset? Since { get; init; }
}

/// <summary>Sends a container's log to a reader. Owned by one request.</summary>
internal sealed class LogReader(ContainerFolder folder, LogRequest request, Func<bool> isRunning)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly List<(long EndOffset, DateTimeOffset Time)> _times = [];
    private int _timesAt;
    private long _limit = request.LimitBytes ?? long.MaxValue;
    private bool _atLineStart = true;

    /// <summary>Copies what was asked for; ends with the container when following.</summary>
    /// <exception cref="OperationCanceledException">The reader went away.</exception>
    public async Task CopyToAsync(Stream output, CancellationToken cancel)
    {
        FileStream? log = null;
        try
        {
            while (true)
            {
                // Asked before reading: what is printed until then is read below.
                var runs = isRunning();
                log ??= OpenAtFirstLine();
                if (log is not null && !await CopyNewAsync(log, output, cancel)) return;
                if (!request.Follow || !runs) return;
                await output.FlushAsync(cancel);
                await Task.Delay(LogKeeper.Interval, cancel);
            }
        }
        finally
        {
            if (log is not null) await log.DisposeAsync();
        }
    }

    private FileStream? OpenAtFirstLine()
    {
        if (!File.Exists(folder.Log)) return null;
        var log = new FileStream(folder.Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var start = LogKeeper.ReadStart(folder);
        if (start > 0) start = EndOfLine(log, start);
        if (request.Since is { } since) start = Math.Max(start, FindTime(since));
        if (request.TailLines is { } lines) start = Math.Max(start, FindTail(log, start, lines));
        log.Position = start;
        return log;
    }

    private async Task<bool> CopyNewAsync(FileStream log, Stream output, CancellationToken cancel)
    {
        int count;
        while ((count = await log.ReadAsync(_buffer, cancel)) > 0)
        {
            var part = _buffer.AsMemory(0, count);
            if (!request.Timestamps)
            {
                if (!await WriteAsync(output, part, cancel)) return false;
                continue;
            }
            var offset = log.Position - count;
            while (part.Length > 0)
            {
                var end = part.Span.IndexOf((byte)'\n') + 1;
                var piece = end > 0 ? part[..end] : part;
                if (_atLineStart && !await WriteAsync(output, Encoding.ASCII.GetBytes(TimeOf(offset + piece.Length) + " "), cancel)) return false;
                _atLineStart = end > 0;
                if (!await WriteAsync(output, piece, cancel)) return false;
                offset += piece.Length;
                part = part[piece.Length..];
            }
        }
        return true;
    }

    private async Task<bool> WriteAsync(Stream output, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        if (bytes.Length > _limit) bytes = bytes[..(int)_limit];
        _limit -= bytes.Length;
        await output.WriteAsync(bytes, cancel);
        return _limit > 0;
    }

    // The time at which the byte before this offset was there; now, when the keeper has not seen it yet.
    private string TimeOf(long endOffset)
    {
        while (true)
        {
            while (_timesAt < _times.Count && _times[_timesAt].EndOffset < endOffset) _timesAt++;
            if (_timesAt < _times.Count) break;
            var more = LogTimes.Read(folder.LogTimes, _times.Count);
            if (more.Count == 0) return Format(DateTimeOffset.UtcNow);
            _times.AddRange(more);
        }
        return Format(_times[_timesAt].Time);
    }

    private static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff00'Z'", CultureInfo.InvariantCulture);

    private long FindTime(DateTimeOffset since)
    {
        long start = 0;
        foreach (var (endOffset, time) in LogTimes.Read(folder.LogTimes, 0))
        {
            if (time >= since) return start;
            start = endOffset;
        }
        return start;
    }

    private long FindTail(FileStream log, long start, long lines)
    {
        var position = log.Length;
        if (lines <= 0) return position;
        var seen = 0L;
        while (position > start)
        {
            var count = (int)Math.Min(_buffer.Length, position - start);
            log.Position = position - count;
            log.ReadExactly(_buffer, 0, count);
            for (var i = count - 1; i >= 0; i--)
            {
                // The newline that ends the last line does not begin another.
                if (_buffer[i] != '\n' || position - count + i == log.Length - 1) continue;
                if (++seen == lines) return position - count + i + 1;
            }
            position -= count;
        }
        return start;
    }

    private static long EndOfLine(FileStream log, long offset)
    {
        log.Position = offset;
        for (int next; (next = log.ReadByte()) >= 0;)
            if (next == '\n') break;
        return log.Position;
    }
}
