namespace Lateen.EmbeddedCluster.Processes;

/// <summary>Runs work on a thread of its own that may change its namespaces and ends with the work. Any thread may call.</summary>
/// <remarks>
/// Namespaces belong to threads. A process or socket that the work creates keeps the namespaces which the thread had then, so that a
/// container needs no launcher programs and a connection into a pod no go-between.
/// </remarks>
public static class NamespaceThread
{
    /// <summary>Runs the work and returns its result.</summary>
    public static Task<T> RunAsync<T>(string name, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return done.Task;
    }

    /// <summary>Runs the work.</summary>
    public static Task RunAsync(string name, Action work) => RunAsync(name, () =>
    {
        work();
        return true;
    });
}
