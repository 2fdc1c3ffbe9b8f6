using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>One reason why an object is refused, in Kubernetes' words. Immutable.</summary>
/// <param name="Path">The field: "spec.containers[0].name".</param>
/// <param name="Reason">Cause of a Status: "FieldValueRequired" and its like.</param>
/// <param name="Message">The words without the path: "Required value".</param>
internal sealed record FieldProblem(string Path, string Reason, string Message)
{
    public override string ToString() => Path.Length == 0 ? Message : $"{Path}: {Message}";
}

/// <summary>Collects every problem of one object. Owned by one request.</summary>
internal sealed class FieldProblems
{
    private readonly List<FieldProblem> _problems = [];

    public IReadOnlyList<FieldProblem> All => _problems;

    public bool Any => _problems.Count > 0;

    public void Required(string path, string detail = "") => Add(path, "FieldValueRequired", detail.Length == 0 ? "Required value" : $"Required value: {detail}");

    public void Invalid(string path, JsonNode? value, string detail) => Add(path, "FieldValueInvalid", $"Invalid value: {Shown(value)}: {detail}");

    public void TypeInvalid(string path, JsonNode? value, string detail) => Add(path, "FieldValueTypeInvalid", $"Invalid value: {Shown(value)}: {detail}");

    public void NotSupported(string path, JsonNode? value, IEnumerable<string> allowed) =>
        Add(path, "FieldValueNotSupported", $"Unsupported value: {Shown(value)}: supported values: {string.Join(", ", allowed.Select(text => Shown(text)))}");

    public void Forbidden(string path, string detail) => Add(path, "FieldValueForbidden", $"Forbidden: {detail}");

    public void Duplicate(string path, JsonNode? value) => Add(path, "FieldValueDuplicate", $"Duplicate value: {Shown(value)}");

    public void TooLong(string path, int limit) => Add(path, "FieldValueTooLong", $"Too long: may not be more than {limit} bytes");

    public void TooMany(string path, int count, int limit) => Add(path, "FieldValueTooMany", $"Too many: {count}: must have at most {limit} items");

    public void NotFound(string path, JsonNode? value) => Add(path, "FieldValueNotFound", $"Not found: {Shown(value)}");

    /// <summary>A rule of a custom resource's schema does not hold.</summary>
    public void Failed(string path, string reason, JsonNode? value, string message)
    {
        var shown = value is null ? "" : Shown(value) + ": ";
        Add(path, reason, reason switch
        {
            "FieldValueForbidden" => $"Forbidden: {message}", "FieldValueRequired" => $"Required value: {message}", "FieldValueDuplicate" => $"Duplicate value: {shown}{message}",
            _ => $"Invalid value: {shown}{message}",
        });
    }

    /// <summary>The object has problems that make its schema's rules meaningless.</summary>
    public bool AnyStructural => _problems.Any(problem => problem.Reason is "FieldValueRequired" or "FieldValueTypeInvalid" or "FieldValueTooLong" or "FieldValueTooMany");

    private void Add(string path, string reason, string message)
    {
        // A hostile object must not grow a message without bound.
        if (_problems.Count < 200) _problems.Add(new FieldProblem(path, reason, message));
    }

    private static string Shown(JsonNode? value)
    {
        var text = value is null ? "null" : System.Text.Encoding.UTF8.GetString(JsonText.ToBytes(value));
        return text.Length <= 2048 ? text : text[..2048] + "...";
    }
}
