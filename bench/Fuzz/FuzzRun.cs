using System.Diagnostics;

namespace Lateen.Bench.Fuzz;

/// <summary>Feeds mutated inputs to targets, for a time or a number.</summary>
internal static class FuzzRun
{
    /// <summary>The command: every target for the given seconds; 1 when one has a finding.</summary>
    public static int Run(BenchOptions options)
    {
        var (seconds, seed) = (options.Number("seconds", 60), options.Number("seed", Environment.TickCount));
        var failed = false;
        foreach (var target in FuzzTarget.All.Where(target => options.Wants("target", target.Name)))
        {
            var (clock, finding, count) = (Stopwatch.StartNew(), default(string), 0L);
            for (var round = seed; clock.Elapsed.TotalSeconds < seconds && finding is null; round++)
            {
                finding = Try(target, round, 10_000);
                count += 10_000;
            }
            Console.WriteLine(finding is null ? $"{target.Name}: {count} inputs in {clock.Elapsed.TotalSeconds:F0} s from seed {seed}, no finding" : $"{target.Name}: {finding}");
            failed |= finding is not null;
        }
        return failed ? 1 : 0;
    }

    /// <summary>A number of inputs from one seed; what was found with the input that shows it, or null.</summary>
    public static string? Try(FuzzTarget target, int seed, int inputs)
    {
        var mutator = new Mutator(seed, target.Seeds);
        for (var i = 0; i < inputs; i++)
        {
            var input = mutator.Next();
            try
            {
                target.Try(input);
            }
            catch (Exception e)
            {
                return $"{e.GetType().Name}: {e.Message} (seed {seed}, input {i}: {Convert.ToBase64String(input)})\n{e.StackTrace}";
            }
        }
        return null;
    }
}
