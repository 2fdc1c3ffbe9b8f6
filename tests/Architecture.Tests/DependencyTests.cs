using System.Xml.Linq;
using Xunit;

namespace Lateen.Architecture.Tests;

/// <summary>The rules of the layers that the build cannot see by itself.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, int> Layers = new()
    {
        ["Lateen.Foundation"] = 1, ["Lateen.Rpc"] = 1, ["Lateen.Api"] = 1,
        ["Lateen.Kubernetes"] = 2, ["Lateen.Config"] = 2, ["Lateen.Hosting"] = 2, ["Lateen.EmbeddedCluster"] = 2,
        ["Lateen.Proxy"] = 3, ["Lateen.Agent"] = 3,
        ["Lateen.Pilot"] = 4, ["Lateen.Galley"] = 4, ["Lateen.Injector"] = 4,
        ["Lateen.Standalone"] = 5, ["meshd"] = 5, ["sidecar"] = 5, ["istioctl"] = 5,
    };

    private static readonly Dictionary<string, string[]> Allowed = XDocument
        .Load(Path.Combine(Repository.Root, "eng", "Dependencies.props"))
        .Descendants("AllowedReferences")
        .ToDictionary(row => row.Attribute("Include")!.Value, row => row.Attribute("May")!.Value.Split(';', StringSplitOptions.RemoveEmptyEntries));

    [Fact]
    public void EveryProjectHasARowAndALayer()
    {
        var projects = Repository.Projects("src").Concat(Repository.Projects("apps")).Select(Path.GetFileNameWithoutExtension).Order().ToArray();
        Assert.Equal(projects, Allowed.Keys.Order());
        Assert.Equal(projects, Layers.Keys.Order());
    }

    [Fact]
    public void AllowedReferencesPointDownward()
    {
        foreach (var (project, references) in Allowed)
            foreach (var reference in references.Where(reference => reference != "*"))
                Assert.True(Layers[reference] <= Layers[project], $"{project} may not look up to {reference}");
    }

    [Fact]
    public void DataAndControlPeersDoNotKnowEachOther()
    {
        foreach (var (project, references) in Allowed.Where(row => Layers[row.Key] is 3 or 4))
            foreach (var reference in references)
                Assert.True(Layers[reference] < Layers[project], $"{project} and {reference} are peers: they meet on the wire");
    }

    [Fact]
    public void TheDataPlaneKnowsNothingOfThePlatform()
    {
        foreach (var project in Allowed.Keys.Where(name => Layers[name] == 3).Append("sidecar"))
            foreach (var reference in Allowed[project])
                Assert.NotEqual(2, Layers[reference]);
    }

    [Fact]
    public void TheSidecarExecutableCarriesNoAspNet()
    {
        foreach (var project in Repository.Projects("src").Concat(Repository.Projects("apps")))
        {
            var name = Path.GetFileNameWithoutExtension(project);
            if (Layers[name] > 3 && name != "sidecar" || Layers[name] == 2) continue;
            Assert.DoesNotContain("Microsoft.AspNetCore.App", File.ReadAllText(project));
        }
    }
}
