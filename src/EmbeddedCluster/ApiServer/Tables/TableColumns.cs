using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Tables;

/// <summary>One column; its cell is made from an object and the time.</summary>
/// <param name="Name">Heading.</param>
/// <param name="Cell">Makes the cell.</param>
/// <param name="Type">JSON type of the cells.</param>
/// <param name="Priority">0 is always shown, more only with -o wide.</param>
/// <param name="Format">"name" for the object's name, else empty.</param>
/// <param name="Description">What the column says.</param>
internal sealed record TableColumn(string Name, Func<JsonElement, DateTimeOffset, JsonNode?> Cell, string Type = "string", int Priority = 0, string Format = "", string Description = "");

/// <summary>The columns by which kubectl shows a kind. Immutable.</summary>
internal sealed class TableColumns(IReadOnlyList<TableColumn> columns)
{
    private static readonly TableColumn Name = new("Name", (root, _) => root.Text("metadata", "name"), Format: "name",
        Description: "Name of the object, unique within its namespace and kind.");

    private static readonly TableColumn Age = new("Age", (root, now) => HumanTime.Since(root.Text("metadata", "creationTimestamp"), now),
        Description: "Time since the object was made.");

    private static readonly TableColumns Plain = new([Name, new("Age", Age.Cell, "date")]);

    private static readonly Dictionary<string, TableColumns> Known = BuildKnown();

    /// <summary>The columns of a kind; name and age for one that has none of its own.</summary>
    public static TableColumns For(ServedResource resource)
    {
        if (resource.Columns is { Length: > 0 } custom) return new TableColumns([Name, .. custom.Select(Custom)]);
        return Known.GetValueOrDefault(resource.Kind.StorageName, Plain);
    }

    public JsonArray Definitions() => new([.. columns.Select(column => new JsonObject
    {
        ["name"] = column.Name, ["type"] = column.Type, ["format"] = column.Format, ["description"] = column.Description, ["priority"] = column.Priority,
    })]);

    public JsonArray Cells(JsonElement root, DateTimeOffset now) => new([.. columns.Select(column => column.Cell(root, now))]);

    private static Dictionary<string, TableColumns> BuildKnown()
    {
        var known = new Dictionary<string, TableColumns>();
        foreach (var (kind, columns) in CorePrinters.All.Concat(WorkloadPrinters.All).Concat(OtherPrinters.All))
        {
            // A null entry in a printer's list stands for the age, the name comes first unless the printer places it.
            var own = columns.Select(column => column ?? Age).ToArray();
            known[kind] = new TableColumns(own.Any(column => column.Format == "name") ? own : [Name, .. own]);
        }
        return known;
    }

    private static TableColumn Custom(PrinterColumn column)
    {
        var path = JsonPath.TryParse(column.JsonPath);
        return new TableColumn(column.Name, (root, now) => path is null ? null : CustomCell(path, column.Type, root, now), column.Type, column.Priority,
            column.Format, column.Description);
    }

    private static JsonNode? CustomCell(JsonPath path, string type, JsonElement root, DateTimeOffset now)
    {
        var found = path.Find(root);
        if (found.Count == 0) return null;
        var value = found[0];
        return type switch
        {
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole) ? whole : null,
            "number" => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null,
            "date" => HumanTime.Since(value.Text(), now),
            _ => found.Count == 1 ? Shown(value) : "[" + string.Join(",", found.Select(item => item.GetRawText())) + "]",
        };
    }

    private static string? Shown(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => value.GetRawText(),
    };
}
