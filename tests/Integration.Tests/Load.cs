using System.Collections.Concurrent;
using System.Diagnostics;
using Lateen.Support;
using Xunit;

namespace Lateen.Integration.Tests;

/// <summary>
/// Constant load on the product page: clients that ask again as soon as they are answered, every second one on a new connection each
/// time, and a note of every answer. Any thread.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly ConcurrentQueue<Answer> _answers = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Page> _pages = [];
    private Task _running = Task.CompletedTask;

    /// <summary>One answer: when its request was sent (a <see cref="Stopwatch"/> time), how long it took, and what it was.</summary>
    public readonly record struct Answer(long Sent, TimeSpan Took, string Kind);

    /// <summary>Starts the clients, signed in as a user when there is one.</summary>
    public static async Task<Load> StartAsync(string gateway, int clients, string? user = null)
    {
        var load = new Load();
        for (var i = 0; i < clients; i++)
        {
            var page = new Page(gateway, reconnects: i % 2 == 1);
            load._pages.Add(page);
            if (user is not null) await page.SignInAsync(user);
        }
        load._running = Task.WhenAll(load._pages.Select(page => Task.Run(() => load.AskAsync(page))));
        return load;
    }

    /// <summary>All answers to requests that were sent since a time.</summary>
    public IReadOnlyList<Answer> Since(long time) => [.. _answers.Where(answer => answer.Sent >= time)];

    /// <summary>Fails the test when a request that was sent since a time had another result than these; says how often each came.</summary>
    public void AssertOnly(IReadOnlyCollection<string> kinds, long since = 0) =>
        Assert.Equal([], Since(since).Where(answer => !kinds.Contains(answer.Kind)).CountBy(answer => answer.Kind));

    /// <summary>Waits until so many requests that were sent since a time are answered; returns what they came to.</summary>
    public async Task<Dictionary<string, int>> CountAsync(int requests, long since)
    {
        await Eventually.TrueAsync(() => Since(since).Count >= requests, TimeSpan.FromMinutes(2), $"{requests} requests are answered");
        return Since(since).CountBy(answer => answer.Kind).ToDictionary();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        foreach (var page in _pages) page.Dispose();
        _stopping.Dispose();
    }

    private async Task AskAsync(Page page)
    {
        while (!_stopping.IsCancellationRequested)
        {
            var sent = Stopwatch.GetTimestamp();
            string kind;
            try
            {
                kind = await page.ReadAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                kind = $"no answer ({e.GetBaseException().Message})";
            }
            _answers.Enqueue(new Answer(sent, Stopwatch.GetElapsedTime(sent), kind));
        }
    }
}
