using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>Checks a custom resource against its schema. The words are those of Kubernetes' own checker.</summary>
internal static class CustomObjectValidator
{
    /// <summary>Checks everything but metadata, whose rules are the same for all kinds.</summary>
    public static void Validate(JsonObject value, TypeSchema type, FieldProblems problems)
    {
        if (type.Rules is { } rules) Check(value, rules, "", problems);
        foreach (var (name, child) in value)
            if (name != "metadata" && type.Fields.TryGetValue(name, out var field)) Walk(child, field.Type, name, problems);
    }

    private static void Walk(JsonNode? value, TypeSchema type, string path, FieldProblems problems)
    {
        if (value is null && (type.Nullable || type.Kind == SchemaKind.Any)) return;
        if (type.Rules is { } rules && !Check(value, rules, path, problems)) return;
        switch (value)
        {
            case JsonObject map when type.Kind == SchemaKind.Map:
                foreach (var (name, child) in map) Walk(child, type.Element!, $"{path}.{name}", problems);
                break;
            case JsonObject map:
                foreach (var (name, child) in map)
                    if (type.Fields.TryGetValue(name, out var field)) Walk(child, field.Type, $"{path}.{name}", problems);
                break;
            case JsonArray array when type.Element is { } element:
                CheckListType(array, type, path, problems);
                for (var i = 0; i < array.Count; i++) Walk(array[i], element, $"{path}[{i}]", problems);
                break;
        }
    }

    private static void CheckListType(JsonArray array, TypeSchema type, string path, FieldProblems problems)
    {
        if (type.ListType == ListType.Atomic) return;
        var seen = new HashSet<string>();
        for (var i = 0; i < array.Count; i++)
        {
            JsonNode? identity = array[i];
            if (type.ListType == ListType.Map && array[i] is JsonObject item)
            {
                var keys = new JsonObject();
                foreach (var key in type.ListKeys) if (item[key] is { } part) keys[key] = part.DeepClone();
                identity = keys;
            }
            if (!seen.Add(identity?.ToJsonString() ?? "null")) problems.Duplicate($"{path}[{i}]", identity?.DeepClone());
        }
    }

    /// <summary>Checks one value without its children; false when its type is wrong.</summary>
    private static bool Check(JsonNode? value, ValueRules rules, string path, FieldProblems problems)
    {
        if (!HasType(value, rules, out var found))
        {
            var wanted = rules.IntOrString ? "integer,string" : rules.Type!;
            problems.TypeInvalid(path, found, $"{path} in body must be of type {wanted}: \"{found}\"");
            return false;
        }
        if (rules.Enum is { } allowed && !allowed.Any(option => JsonNode.DeepEquals(option, value)))
            problems.NotSupported(path, value?.DeepClone(), allowed.Select(option => option.GetValueKind() == JsonValueKind.String ? (string)option! : option.ToJsonString()));
        switch (value)
        {
            case JsonObject map: CheckObject(map, rules, path, problems); break;
            case JsonArray array: CheckArray(array, rules, path, problems); break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String: CheckText((string)scalar!, rules, path, problems); break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.Number: CheckNumber(scalar, rules, path, problems); break;
        }
        CheckJunctors(value, rules, path, problems);
        return true;
    }

    /// <summary>JSON's name of a value's type.</summary>
    public static string TypeName(JsonNode? value) => value is null ? "null" : value.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => value.AsValue().TryGetValue<long>(out _) ? "integer" : "number",
    };

    private static bool HasType(JsonNode? value, ValueRules rules, out string found)
    {
        found = TypeName(value);
        if (rules.IntOrString) return found is "integer" or "string" || (value is null && rules.Nullable);
        if (rules.Type is not { Length: > 0 } wanted) return true;
        if (value is null) return rules.Nullable;
        return found == wanted || (wanted == "number" && found == "integer");
    }

    private static void CheckObject(JsonObject map, ValueRules rules, string path, FieldProblems problems)
    {
        foreach (var name in rules.Required)
            if (!map.ContainsKey(name)) problems.Required(path.Length == 0 ? name : $"{path}.{name}");
        if (rules.MinProperties is { } least && map.Count < least)
            problems.Invalid(path, map.Count, $"{path} in body should have at least {least} properties");
        if (rules.MaxProperties is { } most && map.Count > most) problems.TooMany(path, map.Count, (int)most);
    }

    private static void CheckArray(JsonArray array, ValueRules rules, string path, FieldProblems problems)
    {
        if (rules.MinItems is { } least && array.Count < least)
            problems.Invalid(path, array.Count, $"{path} in body should have at least {least} items");
        if (rules.MaxItems is { } most && array.Count > most) problems.TooMany(path, array.Count, (int)most);
        if (rules.UniqueItems && array.Select(item => item?.ToJsonString() ?? "null").Distinct().Count() < array.Count)
            problems.Duplicate(path, array.DeepClone());
    }

    /// <summary>Reports the first problem of a text only, as Kubernetes does.</summary>
    private static void CheckText(string text, ValueRules rules, string path, FieldProblems problems)
    {
        if (rules.MaxLength is { } most && RuneCount(text) > most) problems.TooLong(path, (int)most);
        else if (rules.MinLength is { } least && RuneCount(text) < least) problems.Invalid(path, text, $"{path} in body should be at least {least} chars long");
        else if (rules.Pattern is { } pattern && !Matches(pattern, text)) problems.Invalid(path, text, $"{path} in body should match '{rules.PatternText}'");
        if (rules.Format is { } format && !HasFormat(text, format))
            problems.Invalid(path, text, $"{path} in body must be of type {format}: {JsonSerializer.Serialize(text)}");
    }

    private static int RuneCount(string text) => text.EnumerateRunes().Count();

    private static bool Matches(Regex pattern, string text)
    {
        try
        {
            return pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private static bool HasFormat(string text, string format) => format switch
    {
        "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _) && text.Contains('T', StringComparison.OrdinalIgnoreCase),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "ipv4" => IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && text.Count(c => c == '.') == 3,
        "ipv6" => IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6,
        "byte" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        "uuid" => Guid.TryParse(text, out _),
        _ => true,
    };

    private static void CheckNumber(JsonValue value, ValueRules rules, string path, FieldProblems problems)
    {
        var number = value.TryGetValue<long>(out var whole) ? whole : value.TryGetValue<double>(out var real) ? real : 0;
        if (rules.Minimum is { } low && (rules.ExclusiveMinimum ? number <= low : number < low))
            problems.Invalid(path, value.DeepClone(), $"{path} in body should be greater than {(rules.ExclusiveMinimum ? "" : "or equal to ")}{Plain(low)}");
        if (rules.Maximum is { } high && (rules.ExclusiveMaximum ? number >= high : number > high))
            problems.Invalid(path, value.DeepClone(), $"{path} in body should be less than {(rules.ExclusiveMaximum ? "" : "or equal to ")}{Plain(high)}");
        if (rules.MultipleOf is { } unit && unit > 0 && Math.Abs(number / unit - Math.Round(number / unit)) > 1e-9)
            problems.Invalid(path, value.DeepClone(), $"{path} in body should be a multiple of {Plain(unit)}");
        if (rules.Format == "int32" && number is < int.MinValue or > int.MaxValue)
            problems.Invalid(path, value.DeepClone(), $"{path} in body must be of type int32: {Plain(number)}");
    }

    private static string Plain(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static void CheckJunctors(JsonNode? value, ValueRules rules, string path, FieldProblems problems)
    {
        foreach (var branch in rules.AllOf)
            if (!Holds(value, branch)) problems.Invalid(path, "", $"\"{path}\" must validate all the schemas (allOf)");
        if (rules.AnyOf.Length > 0 && !rules.AnyOf.Any(branch => Holds(value, branch)))
            problems.Invalid(path, "", $"\"{path}\" must validate at least one schema (anyOf)");
        if (rules.OneOf.Length > 0 && rules.OneOf.Count(branch => Holds(value, branch)) is var count && count != 1)
            problems.Invalid(path, "", $"\"{path}\" must validate one and only one schema (oneOf). Found {(count == 0 ? "none valid" : $"{count} valid alternatives")}");
        if (rules.Not is { } not && Holds(value, not)) problems.Invalid(path, "", $"\"{path}\" must not validate the schema (not)");
    }

    /// <summary>Whether a value satisfies a schema below a junctor, children included.</summary>
    private static bool Holds(JsonNode? value, ValueRules rules)
    {
        var inner = new FieldProblems();
        if (!Check(value, rules, "", inner) || inner.Any) return false;
        if (value is JsonObject map)
        {
            foreach (var (name, child) in map)
                if (rules.Properties?.GetValueOrDefault(name) is { } property ? !Holds(child, property)
                    : rules.AdditionalProperties is { } other && !Holds(child, other)) return false;
        }
        return value is not JsonArray array || rules.Items is not { } items || array.All(item => Holds(item, items));
    }
}
