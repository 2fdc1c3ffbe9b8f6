using Lateen.Bench.Fuzz;
using Xunit;

namespace Lateen.Conformance.Tests.Http1;

/// <summary>A short run of the fuzzer, the same inputs every time; <c>./lateen bench fuzz</c> runs on.</summary>
public sealed class FuzzTests
{
    [Theory]
    [MemberData(nameof(Targets))]
    public void MutatedInputBreaksNoPromise(string name)
    {
        var target = FuzzTarget.All.Single(target => target.Name == name);
        foreach (var seed in target.Seeds) target.Try(seed);
        Assert.Null(FuzzRun.Try(target, seed: 1, inputs: 20_000));
    }

    public static TheoryData<string> Targets() => [.. FuzzTarget.All.Select(target => target.Name)];
}
