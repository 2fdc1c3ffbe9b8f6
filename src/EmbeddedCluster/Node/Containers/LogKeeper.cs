using System.Collections.Concurrent;
using Lateen.Foundation.Interop;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>Notes when logs grow and gives back the space of their oldest parts. Any thread; one loop of its own does the work.</summary>
internal sealed class LogKeeper
{
    /// <summary>How often logs are looked at, and so how exact the times of lines are.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    // A log holds at least this much of its newest text, and at most twice as much on disk (kubelet: 10 MiB a file).
    private const long KeptBytes = 10 << 20;

    private readonly ConcurrentDictionary<string, LogState> _logs = new();

    /// <summary>Starts to look at a container's log.</summary>
    public void Add(ContainerFolder folder)
    {
        // After a restart of the runtime the log's times go on from where they ended.
        var known = LogTimes.Read(folder.LogTimes, 0);
        _logs.TryAdd(folder.Path, new LogState(folder) { Noted = known.Count > 0 ? known[^1].EndOffset : 0 });
    }

    /// <summary>Looks a last time and no more.</summary>
    public void Remove(ContainerFolder folder)
    {
        if (_logs.TryRemove(folder.Path, out var log)) Look(log);
    }

    /// <summary>Looks at all logs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(cancel))
            foreach (var (_, log) in _logs) Look(log);
    }

    /// <summary>Offset of the oldest byte that a log still has.</summary>
    public static long ReadStart(ContainerFolder folder) => File.Exists(folder.LogStart) && long.TryParse(File.ReadAllText(folder.LogStart), out var start) ? start : 0;

    private static void Look(LogState log)
    {
        try
        {
            var file = new FileInfo(log.Folder.Log);
            if (!file.Exists) return;
            lock (log)
            {
                if (file.Length <= log.Noted) return;
                LogTimes.Append(log.Folder.LogTimes, file.Length, DateTimeOffset.UtcNow);
                log.Noted = file.Length;
                if (log.Noted - log.Freed > 2 * KeptBytes) Free(log);
            }
        }
        catch (IOException)
        {
            // The pod is being deleted.
        }
    }

    private static void Free(LogState log)
    {
        var start = log.Noted - KeptBytes;
        using var stream = new FileStream(log.Folder.Log, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        File.WriteAllText(log.Folder.LogStart, start.ToString(System.Globalization.CultureInfo.InvariantCulture));
        SparseFiles.TryFree(stream.SafeFileHandle, 0, start);
        log.Freed = start;
    }

    private sealed class LogState(ContainerFolder folder)
    {
        public ContainerFolder Folder { get; } = folder;

        public long Noted { get; set; }

        public long Freed { get; set; }
    }
}
