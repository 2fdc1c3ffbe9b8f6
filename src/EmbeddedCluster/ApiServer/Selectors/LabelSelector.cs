using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Selectors;

/// <summary>A label selector, from its text form or its object form. Immutable.</summary>
internal sealed class LabelSelector
{
    private enum Operator
    {
        In,
        NotIn,
        Exists,
        DoesNotExist,
        GreaterThan,
        LessThan,
    }

    private sealed record Requirement(string Key, Operator Operator, string[] Values);

    private static readonly (string Sign, Operator Operator)[] Signs =
    [
        ("!=", Operator.NotIn), ("==", Operator.In), ("=", Operator.In), (">", Operator.GreaterThan), ("<", Operator.LessThan),
    ];

    private readonly Requirement[] _requirements;
    private readonly bool _nothing;

    private LabelSelector(Requirement[] requirements, bool nothing = false)
    {
        _requirements = requirements;
        _nothing = nothing;
    }

    public static LabelSelector Everything { get; } = new([]);

    /// <summary>Selects nothing: the object form when absent.</summary>
    public static LabelSelector Nothing { get; } = new([], true);

    public bool IsEverything => _requirements.Length == 0 && !_nothing;

    /// <summary>Reads "a=b,c!=d,e in (f,g),h notin (i),j,!k,l&gt;1".</summary>
    /// <exception cref="FormatException">The text is no selector.</exception>
    public static LabelSelector Parse(string text)
    {
        if (string.IsNullOrWhiteSpace(text)) return Everything;
        return new LabelSelector([.. SplitOutsideParentheses(text).Select(part => ParseRequirement(part.Trim(), text))]);
    }

    /// <summary>Reads a meta/v1 LabelSelector; null selects nothing, an empty one everything.</summary>
    public static LabelSelector FromObject(JsonElement selector)
    {
        if (selector.ValueKind != JsonValueKind.Object) return Nothing;
        var equal = selector.Fields("matchLabels").Select(label => new Requirement(label.Name, Operator.In, [label.Value.Text() ?? ""]));
        var more = selector.Items("matchExpressions").Select(item => new Requirement(item.Text("key") ?? "", item.Text("operator") switch
        {
            "In" => Operator.In, "NotIn" => Operator.NotIn, "Exists" => Operator.Exists, _ => Operator.DoesNotExist,
        }, [.. item.Items("values").Select(value => value.Text() ?? "")]));
        return new LabelSelector([.. equal, .. more]);
    }

    /// <summary>As <see cref="FromObject(JsonElement)"/>.</summary>
    public static LabelSelector FromObject(JsonObject? selector) =>
        selector is null ? Nothing : FromObject(JsonElement.Parse(JsonText.ToBytes(selector)));

    /// <summary>Reads the plain map of a Service or ReplicationController; an empty one selects nothing.</summary>
    public static LabelSelector FromMap(JsonElement map)
    {
        var requirements = map.Fields().Select(label => new Requirement(label.Name, Operator.In, [label.Value.Text() ?? ""])).ToArray();
        return requirements.Length == 0 ? Nothing : new LabelSelector(requirements);
    }

    /// <summary>Whether an object's metadata.labels satisfy the selector.</summary>
    public bool Matches(JsonElement root) => MatchesLabels(root.At("metadata", "labels"));

    /// <summary>Whether labels satisfy the selector.</summary>
    public bool MatchesLabels(JsonElement labels)
    {
        if (_nothing) return false;
        foreach (var requirement in _requirements)
            if (!Holds(requirement, labels.Text(requirement.Key))) return false;
        return true;
    }

    /// <summary>The text form, as the scale subresource shows it.</summary>
    public override string ToString() => string.Join(',', _requirements.Select(requirement => requirement.Operator switch
    {
        Operator.In when requirement.Values.Length == 1 => $"{requirement.Key}={requirement.Values[0]}",
        Operator.In => $"{requirement.Key} in ({string.Join(',', requirement.Values)})",
        Operator.NotIn => $"{requirement.Key} notin ({string.Join(',', requirement.Values)})",
        Operator.Exists => requirement.Key,
        Operator.DoesNotExist => "!" + requirement.Key,
        Operator.GreaterThan => $"{requirement.Key}>{requirement.Values[0]}",
        _ => $"{requirement.Key}<{requirement.Values[0]}",
    }));

    private static bool Holds(Requirement requirement, string? value) => requirement.Operator switch
    {
        Operator.In => value is not null && requirement.Values.Contains(value),
        Operator.NotIn => value is null || !requirement.Values.Contains(value),
        Operator.Exists => value is not null,
        Operator.DoesNotExist => value is null,
        Operator.GreaterThan => Number(value, out var have) && Number(requirement.Values[0], out var want) && have > want,
        _ => Number(value, out var have) && Number(requirement.Values[0], out var want) && have < want,
    };

    private static bool Number(string? text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static Requirement ParseRequirement(string part, string text)
    {
        if (part.EndsWith(')'))
        {
            var open = part.IndexOf('(');
            var head = open < 0 ? [] : part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (head.Length == 2 && head[1] is "in" or "notin" && IsKey(head[0]))
                return new Requirement(head[0], head[1] == "in" ? Operator.In : Operator.NotIn, [.. part[(open + 1)..^1].Split(',').Select(value => value.Trim())]);
        }
        foreach (var (sign, op) in Signs)
        {
            var at = part.IndexOf(sign, StringComparison.Ordinal);
            if (at <= 0) continue;
            var (key, value) = (part[..at].Trim(), part[(at + sign.Length)..].Trim());
            if (!IsKey(key)) break;
            if (value.Length > 0 && !IsKey(value)) throw new FormatException($"unable to parse requirement: values[0][{key}]: Invalid value: \"{value}\"");
            return new Requirement(key, op, [value]);
        }
        if (part.StartsWith('!') && IsKey(part[1..].Trim())) return new Requirement(part[1..].Trim(), Operator.DoesNotExist, []);
        if (IsKey(part)) return new Requirement(part, Operator.Exists, []);
        throw new FormatException($"unable to parse requirement: found '{part}', in selector '{text}'");
    }

    private static bool IsKey(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/');

    private static IEnumerable<string> SplitOutsideParentheses(string text)
    {
        var depth = 0;
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '(') depth++;
            else if (text[i] == ')') depth--;
            else if (text[i] == ',' && depth == 0)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }
        yield return text[start..];
    }
}
