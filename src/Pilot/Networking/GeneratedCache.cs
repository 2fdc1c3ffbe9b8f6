using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Lateen.Pilot.Networking;

/// <summary>
/// Results generated from one immutable input, by everything else that they depend on. It lives in that input and dies with
/// it, so a key never needs to name the input itself. Any thread.
/// </summary>
/// <remarks>
/// A key must hold every other thing that decides the content, by value or by the identity of an immutable object. Results
/// of inputs that changed meanwhile stay until the bound is reached, then all go: recomputing is cheap, leaking is not.
/// </remarks>
internal sealed class GeneratedCache(int bound = 128)
{
    /// <summary>For inputs that many results share, such as a scope with a route for each port.</summary>
    public const int ScopeBound = 16_384;

    private ConcurrentDictionary<object, object>? _entries;
    private int _kept;

    public bool TryGet<T>(object key, [NotNullWhen(true)] out T? value) where T : class
    {
        value = null;
        if (_entries is not { } entries || !entries.TryGetValue(key, out var found)) return false;
        value = (T)found;
        return true;
    }

    /// <summary>Keeps a result; the first of several made at once wins, so that all proxies share one object.</summary>
    public T Keep<T>(object key, T value) where T : class
    {
        var entries = _entries ?? Interlocked.CompareExchange(ref _entries, new(), null) ?? _entries;
        // Counted here, since the dictionary would take all its locks to count.
        if (Interlocked.Increment(ref _kept) > bound)
        {
            Interlocked.Exchange(ref _kept, 1);
            entries.Clear();
        }
        return (T)entries.GetOrAdd(key, value);
    }

    public T Get<T, TState>(object key, TState state, Func<TState, T> make) where T : class =>
        TryGet<T>(key, out var found) ? found : Keep(key, make(state));

    /// <summary>The same for what takes long to make: who asks meanwhile waits for it.</summary>
    public T GetOnce<T, TState>(object key, TState state, Func<TState, T> make) where T : class
    {
        var once = TryGet<Lazy<T>>(key, out var found) ? found : Keep(key, new Lazy<T>(() => make(state)));
        try
        {
            return once.Value;
        }
        catch
        {
            // The next one may have better luck: a failure is not kept.
            _entries?.TryRemove(KeyValuePair.Create<object, object>(key, once));
            throw;
        }
    }
}
