using System.Buffers.Binary;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>When which part of a log was printed: records of end offset and time, appended as the log grows.</summary>
/// <remarks>
/// The log keeps the bytes as they were printed, so that no program of ours has to copy them. The price is that a line's time is as
/// exact as <see cref="LogKeeper"/> looks.
/// </remarks>
internal static class LogTimes
{
    private const int RecordBytes = 16;

    /// <summary>Adds a record.</summary>
    public static void Append(string file, long endOffset, DateTimeOffset time)
    {
        Span<byte> record = stackalloc byte[RecordBytes];
        BinaryPrimitives.WriteInt64LittleEndian(record, endOffset);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], time.UtcTicks);
        using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(record);
    }

    /// <summary>Reads the records from a position in the list on; a half-written last one is left for the next time.</summary>
    public static IReadOnlyList<(long EndOffset, DateTimeOffset Time)> Read(string file, int skip)
    {
        if (!File.Exists(file)) return [];
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Seek((long)skip * RecordBytes, SeekOrigin.Begin);
        var bytes = new byte[Math.Max(0, stream.Length - stream.Position)];
        var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) / RecordBytes;
        var records = new (long, DateTimeOffset)[count];
        for (var i = 0; i < count; i++)
        {
            var record = bytes.AsSpan(i * RecordBytes);
            records[i] = (BinaryPrimitives.ReadInt64LittleEndian(record), new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(record[8..]), TimeSpan.Zero));
        }
        return records;
    }
}
