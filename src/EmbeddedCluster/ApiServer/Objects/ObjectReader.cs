using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Objects;

/// <summary>Turns a received object into the stored version: checked against its type, defaulted, converted; and back.</summary>
internal static class ObjectReader
{
    private static readonly TypeSchema Metadata = TypeCatalog.Instance["meta.v1.ObjectMeta"];

    /// <summary>Decodes an object of a served version, in place.</summary>
    /// <param name="value">The object as sent.</param>
    /// <param name="duplicates">Paths of repeated keys.</param>
    /// <param name="resource">What it is meant to be.</param>
    /// <param name="scope">Says how strict to be, and takes warnings.</param>
    /// <exception cref="ApiException">The object cannot be of this kind.</exception>
    public static void ToStorage(JsonObject value, IReadOnlyList<string> duplicates, ServedResource resource, RequestScope scope)
    {
        Convert(value, duplicates, resource, scope);
        if (resource.Kind.IsCustom) CustomObjectShape.Default(value, resource.Schema);
        resource.Kind.Rules.Default(value);
    }

    /// <summary>As <see cref="ToStorage"/>, without defaults: for a configuration that is applied.</summary>
    public static void Convert(JsonObject value, IReadOnlyList<string> duplicates, ServedResource resource, RequestScope scope)
    {
        CheckType(value, resource);
        var unknown = new List<string>();
        try
        {
            if (resource.Kind.IsCustom)
            {
                if (value["metadata"] is JsonObject metadata) DecodeMetadata(metadata, unknown);
                CustomObjectShape.Prune(value, resource.Schema, unknown);
            }
            else
            {
                ObjectDecoder.Decode(value, resource.Schema, unknown);
            }
        }
        catch (DecodeException wrong)
        {
            throw ApiException.BadRequest($"{Handled(resource)}: {wrong.Message}");
        }
        Report(unknown, duplicates, resource, scope);
        resource.ToStorage?.Invoke(value);
        value["apiVersion"] = resource.Kind.StorageApiVersion;
    }

    /// <summary>Turns a copy of a stored object into a served version, in place.</summary>
    public static void FromStorage(JsonObject value, ServedResource resource)
    {
        resource.FromStorage?.Invoke(value);
        value["apiVersion"] = resource.ApiVersion;
    }

    /// <summary>Checks a received object of a type that is not stored, in place.</summary>
    public static void Decode(JsonObject value, TypeSchema type, string kind, string version, IReadOnlyList<string> duplicates, RequestScope scope)
    {
        var unknown = new List<string>();
        try
        {
            ObjectDecoder.Decode(value, type, unknown);
        }
        catch (DecodeException wrong)
        {
            throw ApiException.BadRequest($"{kind} in version \"{version}\" cannot be handled as a {kind}: {wrong.Message}");
        }
        Report(unknown, duplicates, kind, version, scope);
    }

    private static void CheckType(JsonObject value, ServedResource resource)
    {
        var version = value.Text("apiVersion");
        var kind = value.Text("kind");
        if (string.IsNullOrEmpty(kind) && resource.Kind.IsCustom)
            throw ApiException.BadRequest($"Object 'Kind' is missing in '{System.Text.Encoding.UTF8.GetString(JsonText.ToBytes(value))}'");
        if (!string.IsNullOrEmpty(version) && version != resource.ApiVersion)
            throw ApiException.BadRequest($"the API version in the data ({version}) does not match the expected API version ({resource.ApiVersion})");
        if (!string.IsNullOrEmpty(kind) && kind != resource.Kind.Kind)
            throw ApiException.BadRequest($"{kind} in version \"{resource.Version}\" cannot be handled as a {resource.Kind.Kind}: converting ({kind}) to ({resource.Kind.Kind}): unknown conversion");
        value["apiVersion"] = resource.ApiVersion;
        value["kind"] = resource.Kind.Kind;
    }

    private static void DecodeMetadata(JsonObject metadata, List<string> unknown)
    {
        var inner = new List<string>();
        ObjectDecoder.Decode(metadata, Metadata, inner);
        unknown.AddRange(inner.Select(path => "metadata." + path));
    }

    private static void Report(List<string> unknown, IReadOnlyList<string> duplicates, ServedResource resource, RequestScope scope) =>
        Report(unknown, duplicates, resource.Kind.Kind, resource.Version, scope);

    private static void Report(List<string> unknown, IReadOnlyList<string> duplicates, string kind, string version, RequestScope scope)
    {
        if (scope.FieldValidation == FieldValidation.Ignore || unknown.Count + duplicates.Count == 0) return;
        var problems = duplicates.Select(path => $"duplicate field \"{path}\"").Concat(unknown.Select(path => $"unknown field \"{path}\"")).ToArray();
        if (scope.FieldValidation == FieldValidation.Strict)
            throw ApiException.BadRequest($"{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {string.Join(", ", problems)}");
        foreach (var problem in problems) scope.Warn(problem);
    }

    private static string Handled(ServedResource resource) =>
        $"{resource.Kind.Kind} in version \"{resource.Version}\" cannot be handled as a {resource.Kind.Kind}";
}
