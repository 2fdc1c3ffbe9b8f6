namespace Lateen.EmbeddedCluster.Processes;

/// <summary>Runs work on a thread of its own that may change its namespaces and ends with the work. Any thread may call.</summary>
/// <remarks>
/// Namespaces belong to threads. A process or socket that the work creates keeps the namespaces which the thread had then, so that a
/// container needs no launcher programs and a connection into a pod no go-between. So does a thread that it starts, and whoever completes
/// a task may start a worker of the pool: a second thread, which stays outside, tells the result, or a worker would be in the namespace
/// for good and run anybody's work there.
/// </remarks>
public static class NamespaceThread
{
    /// <summary>Runs the work and returns its result.</summary>
    public static Task<T> RunAsync<T>(string name, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Start(name + " waiter", () =>
        {
            T? result = default;
            Exception? failure = null;
            Start(name, () =>
            {
                try
                {
                    result = work();
                }
                catch (Exception e)
                {
                    failure = e;
                }
            }).Join();
            if (failure is not null) done.SetException(failure);
            else done.SetResult(result!);
        });
        return done.Task;
    }

    /// <summary>Runs the work.</summary>
    public static Task RunAsync(string name, Action work) => RunAsync(name, () =>
    {
        work();
        return true;
    });

    private static Thread Start(string name, Action work)
    {
        var thread = new Thread(() => work()) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }
}
