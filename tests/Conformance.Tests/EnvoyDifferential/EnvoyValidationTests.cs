using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lateen.Foundation.Logging;
using Lateen.Proxy;
using Lateen.Support;
using Xunit;

namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>What Envoy's --mode validate takes and refuses, ours takes and refuses, but for what <see cref="KnownVerdicts"/> explains.</summary>
public sealed class EnvoyValidationTests
{
    private static readonly Slot[] Lists = [Slot.Route, Slot.Filter, Slot.Cluster];

    [Fact]
    public async Task Both_proxies_take_and_refuse_the_same()
    {
        var envoy = new EnvoyValidator(Tools.Require("envoy"));
        using var key = new DifferentialTokens();
        Assert.Null(Ours(DifferentialBootstrap.Text(1, 2, 3, 4, "/dev/null", key.Jwks)));
        Assert.Null(await envoy.RefusalAsync(DifferentialBootstrap.Text(1, 2, 3, 4, "/dev/null", key.Jwks)));
        var ours = VariationLists.All().Distinct().ToDictionary(variation => variation, variation => Ours(variation.Bootstrap()));
        Assert.True(ours.Count > 300, $"{ours.Count} configurations");
        var envoys = new ConcurrentDictionary<ConfigVariation, string?>();
        // Many of what ours takes can stand in one configuration: it is asked about one by one only when that is refused.
        foreach (var slot in Lists)
        {
            var taken = ours.Where(pair => pair.Key.Slot == slot && pair.Value is null).Select(pair => pair.Key).ToArray();
            if (await envoy.RefusalAsync(ConfigVariation.Together(taken).Bootstrap()) is null)
                foreach (var variation in taken) envoys[variation] = null;
        }
        await Parallel.ForEachAsync(
            ours.Keys.Where(variation => !envoys.ContainsKey(variation)), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken },
            async (variation, _) => envoys[variation] = await envoy.RefusalAsync(variation.Bootstrap()));
        var report = new StringBuilder();
        var different = ours.Keys.Where(variation => ours[variation] is null != envoys[variation] is null).ToArray();
        foreach (var variation in different.Where(variation => KnownVerdicts.ReasonOf(variation.Text, ours[variation]) is null))
            report.Append(CultureInfo.InvariantCulture, $"{variation}\n  ours: {ours[variation] ?? "taken"}\n  Envoy: {envoys[variation] ?? "taken"}\n");
        Assert.True(report.Length == 0, report.ToString());
        Assert.Empty(KnownVerdicts.Idle([.. different.Select(variation => variation.Text)]));
        Assert.InRange(envoys.Count(pair => pair.Value is null), 100, envoys.Count - 100);
    }

    /// <summary>Why ours refuses it, or null.</summary>
    private static string? Ours(string text)
    {
        using var logs = new LogOptions { Targets = ["stderr"] }.CreateFactory();
        try
        {
            ProxyServer.Validate(new ProxyOptions { Bootstrap = text }, logs);
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return $"{e.GetType().Name} {e.Message}";
        }
    }

    /// <summary>Runs Envoy's own check.</summary>
    private sealed class EnvoyValidator(string path)
    {
        /// <summary>Why Envoy refuses a bootstrap, or null.</summary>
        public async Task<string?> RefusalAsync(string text)
        {
            using var folder = new TempFolder();
            var start = new ProcessStartInfo(path, ["--mode", "validate", "-c", folder.Write("envoy.yaml", text), "-l", "error", "--use-dynamic-base-id"]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            var problem = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return process.ExitCode == 0 ? null : (await problem).Trim();
        }
    }
}
