using System.Text.Json.Nodes;
using Lateen.Config.Validation;
using Lateen.Foundation.Yaml;

namespace Lateen.Config.Tests;

/// <summary>Objects from YAML, and what becomes of them.</summary>
internal static class Given
{
    /// <summary>One resource as a tree.</summary>
    public static JsonObject Yaml(string text) => (JsonObject)YamlReader.ReadOne(text, "test.yaml");

    /// <summary>A resource of a kind with the given spec.</summary>
    public static JsonObject Resource(string apiVersion, string kind, string spec, string name = "test") => Yaml($"""
        apiVersion: {apiVersion}
        kind: {kind}
        metadata: {"{"} name: {name}, namespace: shop {"}"}
        spec: {spec}
        """);

    /// <summary>Reads and validates, as users meet it: errors of both, then warnings.</summary>
    public static ValidationResult Verdict(JsonObject resource)
    {
        var read = ConfigReader.Read(resource, "test.yaml");
        if (read.Object is null) return new ValidationResult(read.Errors, read.Warnings);
        var verdict = ConfigValidator.Validate(read.Object);
        return new ValidationResult(verdict.Errors, [.. read.Warnings, .. verdict.Warnings]);
    }

    /// <summary>The only error of a spec.</summary>
    public static FieldProblem OnlyError(string apiVersion, string kind, string spec) => Xunit.Assert.Single(Verdict(Resource(apiVersion, kind, spec)).Errors);
}
