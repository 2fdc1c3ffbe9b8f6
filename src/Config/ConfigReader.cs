using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Config.Kinds;
using Lateen.Config.Reading;
using Lateen.Config.Validation;

namespace Lateen.Config;

/// <summary>What to do with fields that a kind does not have.</summary>
public enum UnknownFields
{
    /// <summary>Refuse the object, as <c>istioctl validate</c> and the webhook do.</summary>
    Refuse,

    /// <summary>
    /// Leave them out and warn: what a newer version stored must not be lost to an older control plane. Fields of 1.1 are
    /// known in every version then, since a server shows an object in another version than it was written in.
    /// </summary>
    Ignore,
}

/// <summary>
/// Turns a resource as JSON tree into a <see cref="ConfigObject"/>, as leniently or strictly as Istio really is
/// (numbers in quotes, both spellings of names, enum numbers, Go's durations).
/// </summary>
public static class ConfigReader
{
    private static readonly string[] TopLevel = ["apiVersion", "kind", "metadata", "spec", "status"];

    /// <summary>
    /// Reads one resource. Kinds that are not Istio's, versions that nobody serves and Gateway API's kinds come back
    /// without object and without errors: they are not for us to judge.
    /// </summary>
    /// <param name="json">The resource.</param>
    /// <param name="source">Where it came from, for errors.</param>
    /// <param name="unknown">What to do with unknown fields of the spec.</param>
    public static ConfigReadResult Read(JsonObject json, string source, UnknownFields unknown = UnknownFields.Refuse)
    {
        var apiVersion = Text(json["apiVersion"]);
        if (ConfigKinds.FindServed(apiVersion, Text(json["kind"])) is not { } kind) return new ConfigReadResult();
        if (kind.Role == KindRole.Foreign) return new ConfigReadResult { Kind = kind };

        var reader = new ProtoJsonReader(withRetired: unknown == UnknownFields.Ignore || !IsToday(apiVersion));
        var spec = reader.Read(kind.MessageDescriptor, json["spec"], FieldPath.Spec);
        var errors = new List<FieldProblem>(reader.Errors);
        var warnings = new List<FieldProblem>();
        foreach (var field in reader.Unknown)
            (unknown == UnknownFields.Refuse && !MisplacedMeshField.Is(kind, field.Path) ? errors : warnings).Add(field);
        foreach (var (name, _) in json)
            if (!TopLevel.Contains(name))
                errors.Add(new FieldProblem(name, $"unknown field {GoText.Quote(name)}"));
        var metadata = Metadata(json["metadata"], errors);
        if (errors.Count > 0) return new ConfigReadResult { Kind = kind, Errors = errors, Warnings = warnings };

        return new ConfigReadResult
        {
            Kind = kind,
            Warnings = warnings,
            Object = new ConfigObject
            {
                Kind = kind,
                ApiVersion = apiVersion,
                Namespace = kind.Namespaced ? Text(metadata["namespace"]) : "",
                Name = Text(metadata["name"]),
                Labels = Strings(metadata["labels"]),
                Annotations = Strings(metadata["annotations"]),
                CreationTimestamp = Time(metadata["creationTimestamp"]),
                ResourceVersion = Text(metadata["resourceVersion"]),
                Generation = metadata["generation"] is JsonValue number && number.TryGetValue(out long generation) ? generation : 0,
                Spec = spec,
                Source = source,
                EmptyMaps = reader.EmptyMaps,
            },
        };
    }

    private static bool IsToday(string apiVersion) => apiVersion is "networking.istio.io/v1" or "networking.istio.io/v1beta1";

    private static JsonObject Metadata(JsonNode? node, List<FieldProblem> errors)
    {
        if (node is null) return [];
        if (node is not JsonObject metadata)
        {
            errors.Add(new FieldProblem("metadata", "must be an object"));
            return [];
        }
        foreach (var name in (ReadOnlySpan<string>)["labels", "annotations"])
        {
            if (metadata[name] is null) continue;
            if (metadata[name] is not JsonObject entries)
            {
                errors.Add(new FieldProblem($"metadata.{name}", "must be an object"));
                continue;
            }
            foreach (var (key, value) in entries)
                if (value is not null && value.GetValueKind() != JsonValueKind.String)
                    errors.Add(new FieldProblem($"metadata.{name}[{key}]", "must be a string"));
        }
        return metadata;
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static Dictionary<string, string> Strings(JsonNode? node)
    {
        var strings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (node is JsonObject entries)
            foreach (var (key, value) in entries) strings[key] = Text(value);
        return strings;
    }

    private static DateTimeOffset? Time(JsonNode? node) =>
        DateTimeOffset.TryParse(Text(node), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
