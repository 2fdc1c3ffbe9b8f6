using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas.Expressions;

/// <summary>The values of expressions: conversion from JSON, fields, comparison, arithmetic. Pure.</summary>
internal static class ExpressionValues
{
    /// <summary>A JSON value; lists and maps stay what they are.</summary>
    public static object? Of(JsonNode? node)
    {
        if (node is not JsonValue value) return node;
        switch (value.GetValueKind())
        {
            case JsonValueKind.String: return value.GetValue<string>();
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.Number: return value.TryGetValue<long>(out var whole) ? (object)whole : value.TryGetValue<double>(out var real) ? real : 0L;
            default: return null;
        }
    }

    public static IReadOnlyList<object?>? List(object? value) => value switch
    {
        JsonArray array => [.. array.Select(Of)],
        List<object?> list => list,
        _ => null,
    };

    public static bool TryField(object? target, string name, out object? value)
    {
        value = null;
        switch (target)
        {
            case JsonObject map when map.TryGetPropertyValue(name, out var node) && node is not null:
                value = Of(node);
                return true;
            case Dictionary<string, object?> map: return map.TryGetValue(name, out value);
            case JsonObject: return false;
            default: throw new ExpressionValueException($"no such key: {name}");
        }
    }

    /// <summary>What a macro goes through: a list's items, a map's keys.</summary>
    public static IEnumerable<object?> Items(object? value) => value switch
    {
        JsonObject map => map.Select(pair => (object?)pair.Key),
        Dictionary<string, object?> map => map.Keys,
        _ => List(value) ?? throw new ExpressionValueException("no such overload"),
    };

    public static new bool Equals(object? left, object? right)
    {
        if (left is null || right is null) return left is null && right is null;
        if (Number(left) is { } one && Number(right) is { } two) return one == two;
        if (List(left) is { } first && List(right) is { } second)
            return first.Count == second.Count && first.Zip(second).All(pair => Equals(pair.First, pair.Second));
        if (left is JsonObject map && right is JsonObject other) return JsonNode.DeepEquals(map, other);
        return left.GetType() == right.GetType() && left.Equals(right);
    }

    public static object? Binary(string sign, object? left, object? right)
    {
        switch (sign)
        {
            case "==": return Equals(left, right);
            case "!=": return !Equals(left, right);
            case "in":
                if (List(right) is { } list) return list.Any(item => Equals(item, left));
                return left is string key && right is JsonObject or Dictionary<string, object?> && TryField(right, key, out _);
            case "<": return Compare(left, right) < 0;
            case "<=": return Compare(left, right) <= 0;
            case ">": return Compare(left, right) > 0;
            case ">=": return Compare(left, right) >= 0;
        }
        if (sign == "+" && List(left) is { } first && List(right) is { } second) return first.Concat(second).ToList();
        return (sign, left, right) switch
        {
            ("+", string a, string b) => a + b,
            (_, long a, long b) => Whole(sign, a, b),
            ("+", double, _) or ("-", double, _) or ("*", double, _) or ("/", double, _) when right is double b => Real(sign, (double)left, b),
            ("+", TimeSpan a, TimeSpan b) => a + b,
            ("-", TimeSpan a, TimeSpan b) => a - b,
            ("+", DateTimeOffset a, TimeSpan b) => a + b,
            ("-", DateTimeOffset a, TimeSpan b) => a - b,
            ("-", DateTimeOffset a, DateTimeOffset b) => a - b,
            _ => throw new ExpressionValueException("no such overload"),
        };
    }

    private static object Whole(string sign, long a, long b)
    {
        try
        {
            return sign switch
            {
                "+" => checked(a + b), "-" => checked(a - b), "*" => checked(a * b),
                "/" => b == 0 ? throw new ExpressionValueException("division by zero") : a / b,
                _ => b == 0 ? throw new ExpressionValueException("modulus by zero") : a % b,
            };
        }
        catch (OverflowException)
        {
            throw new ExpressionValueException("integer overflow");
        }
    }

    private static object Real(string sign, double a, double b) => sign switch { "+" => a + b, "-" => a - b, "*" => a * b, _ => a / b };

    private static int Compare(object? left, object? right)
    {
        if (Number(left) is { } one && Number(right) is { } two) return one.CompareTo(two);
        return (left, right) switch
        {
            (string a, string b) => string.CompareOrdinal(a, b),
            (bool a, bool b) => a.CompareTo(b),
            (TimeSpan a, TimeSpan b) => a.CompareTo(b),
            (DateTimeOffset a, DateTimeOffset b) => a.CompareTo(b),
            _ => throw new ExpressionValueException("no such overload"),
        };
    }

    private static double? Number(object? value) => value switch { long whole => whole, double real => real, _ => null };
}
