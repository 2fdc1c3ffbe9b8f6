using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit;

namespace Lateen.Support;

/// <summary>
/// Waits for a condition that another process or thread brings about, with a deadline after which the test fails and names
/// the condition.
/// </summary>
public static class Eventually
{
    private static readonly TimeSpan Default = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until the condition is true.</summary>
    public static Task TrueAsync(Func<bool> condition, TimeSpan? within = null, [CallerArgumentExpression(nameof(condition))] string? what = null) =>
        TrueAsync(() => Task.FromResult(condition()), within, what);

    /// <summary>Waits until the condition is true; an exception of it means not yet.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan? within = null, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        var limit = within ?? Default;
        var clock = Stopwatch.StartNew();
        while (true)
        {
            Exception? last = null;
            try
            {
                if (await condition()) return;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                last = e;
            }
            if (clock.Elapsed > limit) Assert.Fail($"not within {limit.TotalSeconds:F0} s: {what}{(last is null ? "" : $" ({last.GetType().Name}: {last.Message})")}");
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until the assertions pass; the failure of the last attempt is the failure of the test.</summary>
    public static async Task PassesAsync(Func<Task> assertions, TimeSpan? within = null)
    {
        var limit = within ?? Default;
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await assertions();
                return;
            }
            catch (Exception) when (clock.Elapsed <= limit)
            {
                await Task.Delay(Pause, TestContext.Current.CancellationToken);
            }
        }
    }

    /// <summary>Waits until the assertions pass.</summary>
    public static Task PassesAsync(Action assertions, TimeSpan? within = null) => PassesAsync(
        () =>
        {
            assertions();
            return Task.CompletedTask;
        },
        within);

    /// <summary>Waits until the function gives something.</summary>
    public static async Task<T> GivesAsync<T>(Func<Task<T?>> function, TimeSpan? within = null, [CallerArgumentExpression(nameof(function))] string? what = null)
        where T : class
    {
        T? result = null;
        await TrueAsync(async () => (result = await function()) is not null, within, what);
        return result!;
    }
}
