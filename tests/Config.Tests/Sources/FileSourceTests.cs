using Istio.Networking.V1Alpha3;
using Lateen.Config.Kinds;
using Lateen.Config.Sources;
using Lateen.Config.Stores;
using Lateen.Support;
using Xunit;

namespace Lateen.Config.Tests.Sources;

public sealed class FileSourceTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ConfigStore _store = new();
    private readonly List<string> _changes = [];

    [Fact]
    public void Each_document_is_judged_alone_and_the_last_good_state_stays()
    {
        Write("a.yaml", Rule("one", "v1") + "---\n" + Rule("two", "v1"));
        var intake = new ConfigIntake(_store);
        using var source = Start(intake);
        Assert.Equal(["one", "two"], _store.List(ConfigKinds.DestinationRule).Select(rule => rule.Name));

        Write("a.yaml", Rule("one", "not_a_label") + "---\n" + Rule("two", "v22"));
        source.Rescan();
        Assert.Equal("v1", Subset("one"));
        Assert.Equal("v22", Subset("two"));
        Assert.Equal("spec.subsets[0].name", Assert.Single(Assert.Single(intake.Rejected).Problems).Path);

        Write("a.yaml", Rule("one", "v333"));
        source.Rescan();
        Assert.Equal("v333", Subset("one"));
        Assert.Null(_store.Get(ConfigKinds.DestinationRule, "default", "two"));
        Assert.Empty(intake.Rejected);
        Assert.Equal(["Added one", "Added two", "Updated two", "Updated one", "Deleted two"], _changes);
    }

    [Fact]
    public void A_file_that_cannot_be_read_keeps_what_it_held()
    {
        Write("a.yaml", Rule("one", "v1"));
        using var source = Start(new ConfigIntake(_store));
        Write("a.yaml", "kind: [");
        source.Rescan();
        Assert.Equal("v1", Subset("one"));
        File.Delete(_folder.PathOf("a.yaml"));
        source.Rescan();
        Assert.Empty(_store.List(ConfigKinds.DestinationRule));
    }

    [Fact]
    public async Task Changes_are_noticed()
    {
        using var source = Start(new ConfigIntake(_store));
        Directory.CreateDirectory(_folder.PathOf("deep"));
        Write("deep/b.yml", Rule("later", "v1"));
        await Eventually.TrueAsync(() => _store.Get(ConfigKinds.DestinationRule, "default", "later") is not null);
    }

    public void Dispose() => _folder.Dispose();

    private FileSource Start(ConfigIntake intake)
    {
        _store.Subscribe(change => _changes.Add($"{change.Type} {change.Object.Name}"));
        var source = new FileSource(_folder.FullName, intake);
        source.Start();
        return source;
    }

    private string Subset(string rule) => _store.Get(ConfigKinds.DestinationRule, "default", rule)!.As<DestinationRule>().Subsets[0].Name;

    private void Write(string name, string text) => File.WriteAllText(_folder.PathOf(name), text);

    private static string Rule(string name, string subset) => $$"""
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { name: {{name}} }
        spec: { host: {{name}}, subsets: [{ name: {{subset}} }] }

        """;
}
