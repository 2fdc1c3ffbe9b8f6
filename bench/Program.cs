using Lateen.Bench.Fuzz;
using Lateen.Bench.Load;
using Lateen.Bench.Pilot;

namespace Lateen.Bench;

/// <summary>The measurements of this repository, by name.</summary>
internal static class Program
{
    private const string Usage = """
        usage: lateen bench [load] [--scenarios NAME,...] [--rounds N] [--seconds N] [--proxies NAME,...]
                                     the proxy beside HAProxy, nginx and Envoy; writes bench/results/DATE.md
               lateen bench pilot [--services N] [--proxies N] [--edits N]
                                     Pilot's CPU, time and memory with many services and proxies
               lateen bench fuzz [--seconds N] [--target NAME] [--seed N]
                                     mutated input for the parsers
        """;

    private static async Task<int> Main(string[] words)
    {
        var verb = words.Length > 0 && !words[0].StartsWith('-') ? words[0] : "load";
        var options = BenchOptions.Parse(words.Length > 0 && !words[0].StartsWith('-') ? words[1..] : words);
        switch (verb)
        {
            case "load":
                return await LoadRun.RunAsync(options);
            case "pilot":
                return await PilotRun.RunAsync(options);
            case "fuzz":
                return FuzzRun.Run(options);
            default:
                await Console.Error.WriteLineAsync(Usage);
                return 64;
        }
    }
}
