namespace Lateen.Foundation.Snapshots;

/// <summary>
/// The one way that configuration crosses threads: a reference to an immutable snapshot, replaced whole. Readers take
/// <see cref="Current"/> once and keep what they took for as long as one piece of work lasts. Any thread.
/// </summary>
/// <typeparam name="T">An immutable type.</typeparam>
public sealed class Published<T>
    where T : class
{
    private readonly Lock _gate = new();
    private Action<T>[] _subscribers = [];
    private volatile T _current;

    /// <summary>Starts with a first snapshot, so that there is always one to read.</summary>
    public Published(T initial) => _current = initial;

    /// <summary>The newest snapshot.</summary>
    public T Current => _current;

    /// <summary>
    /// Replaces the snapshot, then tells the subscribers, in the order in which they came. Publications are told one
    /// after the other, so that no subscriber sees an older snapshot after a newer one.
    /// </summary>
    public void Publish(T next)
    {
        ArgumentNullException.ThrowIfNull(next);
        lock (_gate)
        {
            _current = next;
            foreach (var subscriber in _subscribers) subscriber(next);
        }
    }

    /// <summary>
    /// Calls <paramref name="onPublished"/> with every later snapshot, on the publishing thread: it must be short and
    /// must not throw. Disposing the result ends it.
    /// </summary>
    public IDisposable Subscribe(Action<T> onPublished)
    {
        lock (_gate) _subscribers = [.. _subscribers, onPublished];
        return new Subscription(this, onPublished);
    }

    private void Unsubscribe(Action<T> onPublished)
    {
        lock (_gate)
        {
            var at = Array.IndexOf(_subscribers, onPublished);
            if (at >= 0) _subscribers = [.. _subscribers[..at], .. _subscribers[(at + 1)..]];
        }
    }

    private sealed class Subscription(Published<T> published, Action<T> onPublished) : IDisposable
    {
        public void Dispose() => published.Unsubscribe(onPublished);
    }
}
