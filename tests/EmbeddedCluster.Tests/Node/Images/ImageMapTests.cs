using Lateen.EmbeddedCluster.Node.Images;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Node.Images;

public sealed class ImageMapTests
{
    [Theory]
    [InlineData("example.test/echo:*", "example.test/echo:1.0")]
    [InlineData("example.test/echo", "example.test/echo:1.0")]
    [InlineData("example.test/echo", "example.test/echo")]
    [InlineData("example.test/echo", "example.test/echo@sha256:00")]
    [InlineData("istio/proxyv2", "docker.io/istio/proxyv2:1.30.3")]
    [InlineData("docker.io/istio/proxyv2:*", "istio/proxyv2:1.1.17")]
    [InlineData("docker.io/istio/examples-bookinfo-*", "docker.io/istio/examples-bookinfo-reviews-v3:1.20.3")]
    [InlineData("busybox", "docker.io/library/busybox:latest")]
    [InlineData("*/proxyv2:*", "registry.test:5000/a/proxyv2:x")]
    public void AnImageIsFound(string pattern, string image) => Assert.NotNull(Map(pattern).Find(image));

    [Theory]
    [InlineData("example.test/echo:1.0", "example.test/echo:1.1")]
    [InlineData("example.test/echo", "example.test/echoes:1")]
    [InlineData("echo", "example.test/echo")]
    [InlineData("registry.test:5000/echo", "registry.test/echo")]
    public void AnotherImageIsNot(string pattern, string image) => Assert.Null(Map(pattern).Find(image));

    [Fact]
    public void TheMostExactEntryWins()
    {
        var map = ImageMap.Parse("images: {'a.test/*': {command: [one]}, 'a.test/b:*': {command: [two]}, 'a.test/b:1': {command: [three]}}", "/x/map.yaml");
        Assert.Equal("one", map.Find("a.test/c")!.Command[0]);
        Assert.Equal("two", map.Find("a.test/b:2")!.Command[0]);
        Assert.Equal("three", map.Find("a.test/b:1")!.Command[0]);
    }

    [Fact]
    public void AFolderIsRelativeToTheFile()
    {
        var image = ImageMap.Parse("images: {a: {command: [python3, echo.py, 8080], workingDir: app, env: {A: b}}}", "/x/map.yaml").Find("a")!;
        Assert.Equal(["python3", "echo.py", "8080"], image.Command);
        Assert.Equal("/x/app", image.WorkingDir);
        Assert.Equal("b", image.Env["A"]);
    }

    [Theory]
    [InlineData("images: {a: {}}", "images[a].command must name a program")]
    [InlineData("images: {a: {command: sh}}", "images[a].command must be a list of strings")]
    [InlineData("images: {a: {command: [sh], comand: 1}}", "unknown field 'comand'")]
    [InlineData("a: b", "unknown field 'a'")]
    [InlineData("images: [a]", "must be an object from image to program")]
    public void AMistakeIsNamed(string text, string message)
    {
        var failure = Assert.Throws<FormatException>(() => ImageMap.Parse(text, "/x/map.yaml"));
        Assert.Contains(message, failure.Message);
        Assert.StartsWith("/x/map.yaml: ", failure.Message);
    }

    private static ImageMap Map(string pattern) => ImageMap.Parse($"images: {{'{pattern}': {{command: [sh]}}}}", "/x/map.yaml");
}
