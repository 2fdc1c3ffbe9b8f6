using System.Globalization;
using System.Text.RegularExpressions;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Expressions;

/// <summary>A part of an expression. Immutable; evaluated on workers, never throws.</summary>
internal abstract class CelNode
{
    public abstract CelValue Evaluate(in FormatContext context);
}

internal sealed class CelLiteral(CelValue value) : CelNode
{
    public CelValue Value => value;

    public override CelValue Evaluate(in FormatContext context) => value;
}

internal sealed class CelList(CelNode[] items) : CelNode
{
    public override CelValue Evaluate(in FormatContext context)
    {
        var values = new CelValue[items.Length];
        for (var i = 0; i < values.Length; i++) values[i] = items[i].Evaluate(context);
        return CelValue.Of(values);
    }
}

/// <summary><c>container.field</c> and <c>container[key]</c>.</summary>
internal sealed class CelSelect(CelNode container, CelNode key) : CelNode
{
    public override CelValue Evaluate(in FormatContext context) => container.Evaluate(context).Select(key.Evaluate(context));
}

internal sealed class CelHas(CelSelect field) : CelNode
{
    public override CelValue Evaluate(in FormatContext context) => CelValue.Of(field.Evaluate(context).Kind is not (CelKind.Error or CelKind.Null));
}

internal sealed class CelNot(CelNode operand) : CelNode
{
    public override CelValue Evaluate(in FormatContext context) => operand.Evaluate(context) is { Kind: CelKind.Bool } value ? CelValue.Of(!value.IsTrue) : CelValue.Error;
}

/// <summary>And, or: one side that decides outweighs an error of the other, as CEL has it.</summary>
internal sealed class CelLogic(CelNode left, CelNode right, bool isAnd) : CelNode
{
    public override CelValue Evaluate(in FormatContext context)
    {
        var first = left.Evaluate(context);
        if (first.Kind == CelKind.Bool && first.IsTrue != isAnd) return first;
        var second = right.Evaluate(context);
        if (second.Kind == CelKind.Bool && second.IsTrue != isAnd) return second;
        return first.Kind == CelKind.Bool && second.Kind == CelKind.Bool ? CelValue.Of(isAnd) : CelValue.Error;
    }
}

internal sealed class CelConditional(CelNode condition, CelNode then, CelNode otherwise) : CelNode
{
    public override CelValue Evaluate(in FormatContext context) =>
        condition.Evaluate(context) is { Kind: CelKind.Bool } value ? (value.IsTrue ? then : otherwise).Evaluate(context) : CelValue.Error;
}

internal sealed class CelCompare(string sign, CelNode left, CelNode right) : CelNode
{
    public override CelValue Evaluate(in FormatContext context)
    {
        var (first, second) = (left.Evaluate(context), right.Evaluate(context));
        if (first.Kind == CelKind.Error || second.Kind == CelKind.Error) return CelValue.Error;
        if (sign is "==" or "!=") return CelValue.Of(first.IsSame(second) == (sign == "=="));
        int order;
        if (first.IsNumber && second.IsNumber) order = first.Number.CompareTo(second.Number);
        else if (first.Kind == CelKind.Text && second.Kind == CelKind.Text) order = string.CompareOrdinal(first.AsText, second.AsText);
        else return CelValue.Error;
        return CelValue.Of(sign switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order > 0,
            _ => order >= 0,
        });
    }
}

internal sealed class CelIn(CelNode item, CelNode container) : CelNode
{
    public override CelValue Evaluate(in FormatContext context)
    {
        var (value, place) = (item.Evaluate(context), container.Evaluate(context));
        if (place.Kind == CelKind.Map) return CelValue.Of(place.Select(value).Kind != CelKind.Error);
        if (place.Kind != CelKind.List || value.Kind == CelKind.Error) return CelValue.Error;
        foreach (var candidate in place.Items)
            if (candidate.IsSame(value))
                return CelValue.Of(true);
        return CelValue.Of(false);
    }
}

internal sealed class CelArithmetic(char sign, CelNode left, CelNode right) : CelNode
{
    public override CelValue Evaluate(in FormatContext context)
    {
        var (first, second) = (left.Evaluate(context), right.Evaluate(context));
        if (sign == '+' && first.Kind == CelKind.Text && second.Kind == CelKind.Text) return CelValue.Of(first.AsText + second.AsText);
        if (first.Kind == CelKind.Int && second.Kind == CelKind.Int)
            return sign switch
            {
                '+' => CelValue.Of(unchecked(first.Int + second.Int)),
                '-' => CelValue.Of(unchecked(first.Int - second.Int)),
                '*' => CelValue.Of(unchecked(first.Int * second.Int)),
                _ when second.Int is 0 or -1 => CelValue.Error,
                '/' => CelValue.Of(first.Int / second.Int),
                _ => CelValue.Of(first.Int % second.Int),
            };
        if (!first.IsNumber || !second.IsNumber || sign == '%') return CelValue.Error;
        return CelValue.Of(sign switch
        {
            '+' => first.Number + second.Number,
            '-' => first.Number - second.Number,
            '*' => first.Number * second.Number,
            _ => first.Number / second.Number,
        });
    }
}

/// <summary>A function; its receiver is the first argument.</summary>
internal sealed class CelCall : CelNode
{
    private readonly Func<CelValue[], CelValue> _function;
    private readonly CelNode[] _arguments;

    private CelCall(Func<CelValue[], CelValue> function, CelNode[] arguments) => (_function, _arguments) = (function, arguments);

    /// <summary>Null for a function that is not known with so many arguments.</summary>
    public static CelCall? Create(string name, CelNode[] arguments)
    {
        Func<CelValue[], CelValue>? function = (name, arguments.Length) switch
        {
            ("startsWith", 2) => values => Texts(values, (text, part) => text.StartsWith(part, StringComparison.Ordinal)),
            ("endsWith", 2) => values => Texts(values, (text, part) => text.EndsWith(part, StringComparison.Ordinal)),
            ("contains", 2) => values => Texts(values, (text, part) => text.Contains(part, StringComparison.Ordinal)),
            ("matches", 2) when arguments[1] is CelLiteral { Value.Kind: CelKind.Text } pattern => Matches(SafeRegex.Compile(pattern.Value.AsText, "matches", wholeText: false)),
            ("size", 1) => values => values[0].Kind == CelKind.Text ? CelValue.Of((long)values[0].AsText.Length) : values[0].Kind == CelKind.List ? CelValue.Of((long)values[0].Items.Count) : CelValue.Error,
            ("string", 1) => values => values[0].Print() is { } text ? CelValue.Of(text) : CelValue.Error,
            ("int", 1) => values => values[0].IsNumber ? CelValue.Of((long)values[0].Number)
                : values[0].Kind == CelKind.Text && long.TryParse(values[0].AsText, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? CelValue.Of(number) : CelValue.Error,
            ("lowerAscii", 1) => values => values[0].Kind == CelKind.Text ? CelValue.Of(values[0].AsText.ToLowerInvariant()) : CelValue.Error,
            _ => null,
        };
        return function is null ? null : new CelCall(function, arguments);
    }

    public override CelValue Evaluate(in FormatContext context)
    {
        var values = new CelValue[_arguments.Length];
        for (var i = 0; i < values.Length; i++) values[i] = _arguments[i].Evaluate(context);
        return _function(values);
    }

    private static Func<CelValue[], CelValue> Matches(Regex pattern) => values => values[0].Kind == CelKind.Text ? CelValue.Of(pattern.IsMatch(values[0].AsText)) : CelValue.Error;

    private static CelValue Texts(CelValue[] values, Func<string, string, bool> test) =>
        values[0].Kind == CelKind.Text && values[1].Kind == CelKind.Text ? CelValue.Of(test(values[0].AsText, values[1].AsText)) : CelValue.Error;
}
