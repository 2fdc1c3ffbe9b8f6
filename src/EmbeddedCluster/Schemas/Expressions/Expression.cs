using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas.Expressions;

/// <summary>An expression has no value: a field is absent, types do not fit, or it takes too long.</summary>
internal sealed class ExpressionValueException(string message) : Exception(message);

/// <summary>The variables of one evaluation and the steps that it may still take. Owned by one evaluation.</summary>
internal sealed class ExpressionScope
{
    private const int MaxSteps = 1_000_000;

    private readonly Dictionary<string, object?> _values = [];
    private int _steps;

    public object? this[string name]
    {
        get => _values.TryGetValue(name, out var value) ? value : throw new ExpressionValueException($"undeclared reference to '{name}'");
        set => _values[name] = value;
    }

    public bool TryGet(string name, out object? value) => _values.TryGetValue(name, out value);

    public void Remove(string name) => _values.Remove(name);

    /// <summary>Counts a step; a hostile expression ends here.</summary>
    public void Step()
    {
        if (++_steps > MaxSteps) throw new ExpressionValueException("operation cancelled: actual cost limit exceeded");
    }
}

/// <summary>
/// A node of an expression of the Common Expression Language, as far as the rules of custom resources use it. Values are null, bool,
/// long, double, string, TimeSpan, DateTimeOffset, Uri, a list or a map. Immutable.
/// </summary>
internal abstract class Expression
{
    /// <summary>The value.</summary>
    /// <exception cref="ExpressionValueException">There is none.</exception>
    public abstract object? Evaluate(ExpressionScope scope);

    /// <summary>Whether a variable is named anywhere.</summary>
    public virtual bool Uses(string name) => Parts.Any(part => part.Uses(name));

    protected virtual IEnumerable<Expression> Parts => [];

    protected static bool Truth(object? value) => value is bool truth ? truth : throw new ExpressionValueException("no such overload");
}

internal sealed class ConstantExpression(object? value) : Expression
{
    public override object? Evaluate(ExpressionScope scope) => value;
}

internal sealed class NameExpression(string name) : Expression
{
    public string Name { get; } = name;

    public override object? Evaluate(ExpressionScope scope) => scope[Name];

    public override bool Uses(string name) => Name == name;
}

internal sealed class FieldExpression(Expression target, string name) : Expression
{
    protected override IEnumerable<Expression> Parts => [target];

    public override object? Evaluate(ExpressionScope scope)
    {
        scope.Step();
        return ExpressionValues.TryField(target.Evaluate(scope), name, out var value) ? value : throw new ExpressionValueException($"no such key: {name}");
    }

    public bool IsPresent(ExpressionScope scope) => ExpressionValues.TryField(target.Evaluate(scope), name, out _);
}

internal sealed class PresenceExpression(FieldExpression selected) : Expression
{
    protected override IEnumerable<Expression> Parts => [selected];

    public override object? Evaluate(ExpressionScope scope) => selected.IsPresent(scope);
}

internal sealed class IndexExpression(Expression target, Expression index) : Expression
{
    protected override IEnumerable<Expression> Parts => [target, index];

    public override object? Evaluate(ExpressionScope scope)
    {
        scope.Step();
        var (value, key) = (target.Evaluate(scope), index.Evaluate(scope));
        if (ExpressionValues.List(value) is { } list)
        {
            if (key is not long at) throw new ExpressionValueException("unsupported index type");
            return at >= 0 && at < list.Count ? list[(int)at] : throw new ExpressionValueException($"index out of bounds: {at}");
        }
        return key is string name && ExpressionValues.TryField(value, name, out var found) ? found : throw new ExpressionValueException($"no such key: {key}");
    }
}

internal sealed class NotExpression(Expression inner) : Expression
{
    protected override IEnumerable<Expression> Parts => [inner];

    public override object? Evaluate(ExpressionScope scope) => !Truth(inner.Evaluate(scope));
}

internal sealed class NegativeExpression(Expression inner) : Expression
{
    protected override IEnumerable<Expression> Parts => [inner];

    public override object? Evaluate(ExpressionScope scope) => inner.Evaluate(scope) switch
    {
        long whole => -whole, double real => -real, TimeSpan time => -time, _ => throw new ExpressionValueException("no such overload"),
    };
}

internal sealed class ConditionalExpression(Expression condition, Expression yes, Expression no) : Expression
{
    protected override IEnumerable<Expression> Parts => [condition, yes, no];

    public override object? Evaluate(ExpressionScope scope) => (Truth(condition.Evaluate(scope)) ? yes : no).Evaluate(scope);
}

/// <summary>&amp;&amp; and ||: a side without a value does not matter when the other decides.</summary>
internal sealed class LogicExpression(Expression left, Expression right, bool any) : Expression
{
    protected override IEnumerable<Expression> Parts => [left, right];

    public override object? Evaluate(ExpressionScope scope)
    {
        scope.Step();
        try
        {
            return Truth(left.Evaluate(scope)) == any ? any : Truth(right.Evaluate(scope));
        }
        catch (ExpressionValueException)
        {
            if (Truth(right.Evaluate(scope)) == any) return any;
            throw;
        }
    }
}

internal sealed class BinaryExpression(string sign, Expression left, Expression right) : Expression
{
    protected override IEnumerable<Expression> Parts => [left, right];

    public override object? Evaluate(ExpressionScope scope)
    {
        scope.Step();
        return ExpressionValues.Binary(sign, left.Evaluate(scope), right.Evaluate(scope));
    }
}

internal sealed class ListExpression(Expression[] items) : Expression
{
    protected override IEnumerable<Expression> Parts => items;

    public override object? Evaluate(ExpressionScope scope) => items.Select(item => item.Evaluate(scope)).ToList();
}

internal sealed class MapExpression((Expression Key, Expression Value)[] entries) : Expression
{
    protected override IEnumerable<Expression> Parts => entries.SelectMany(entry => (Expression[])[entry.Key, entry.Value]);

    public override object? Evaluate(ExpressionScope scope) => entries.ToDictionary(
        entry => entry.Key.Evaluate(scope) as string ?? throw new ExpressionValueException("unsupported key type"), entry => entry.Value.Evaluate(scope));
}

internal sealed class CallExpression(string name, Expression[] arguments, bool method) : Expression
{
    protected override IEnumerable<Expression> Parts => arguments;

    public override object? Evaluate(ExpressionScope scope)
    {
        scope.Step();
        return ExpressionFunctions.Call(name, [.. arguments.Select(argument => argument.Evaluate(scope))], method);
    }
}

/// <summary>all, exists, exists_one, filter and map over a list's items or a map's keys.</summary>
internal sealed class MacroExpression(string name, Expression target, string variable, Expression? condition, Expression body) : Expression
{
    protected override IEnumerable<Expression> Parts => condition is null ? [target, body] : [target, condition, body];

    public override object? Evaluate(ExpressionScope scope)
    {
        var items = ExpressionValues.Items(target.Evaluate(scope));
        var shadowed = scope.TryGet(variable, out var outer);
        try
        {
            return Run(scope, items);
        }
        finally
        {
            if (shadowed) scope[variable] = outer;
            else scope.Remove(variable);
        }
    }

    private object? Run(ExpressionScope scope, IEnumerable<object?> items)
    {
        ExpressionValueException? failure = null;
        var kept = new List<object?>();
        var count = 0;
        foreach (var item in items)
        {
            scope.Step();
            scope[variable] = item;
            try
            {
                if (condition is not null && !Truth(condition.Evaluate(scope))) continue;
                var value = body.Evaluate(scope);
                if (name == "map")
                {
                    kept.Add(value);
                    continue;
                }
                var holds = Truth(value);
                if (holds) count++;
                if (holds && name == "filter") kept.Add(item);
                if (name == "all" && !holds) return false;
                if (name == "exists" && holds) return true;
            }
            catch (ExpressionValueException wrong) when (name is "all" or "exists")
            {
                failure = wrong;
            }
        }
        if (failure is not null) throw failure;
        return name switch { "all" => true, "exists" => false, "exists_one" or "existsOne" => count == 1, _ => kept };
    }
}

/// <summary>Names of fields that are words of the language, or not names at all, are written with underscores.</summary>
internal static class ExpressionNames
{
    public static string Unescape(string name)
    {
        if (!name.Contains("__", StringComparison.Ordinal)) return name;
        if (name.Length > 4 && name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal)
            && name is not ("__underscores__" or "__dot__" or "__dash__" or "__slash__") && !name[2..^2].Contains("__", StringComparison.Ordinal)) return name[2..^2];
        return name.Replace("__underscores__", "__", StringComparison.Ordinal).Replace("__dot__", ".", StringComparison.Ordinal)
            .Replace("__dash__", "-", StringComparison.Ordinal).Replace("__slash__", "/", StringComparison.Ordinal);
    }

    /// <summary>A value of an object as expressions see it.</summary>
    public static object? Value(JsonNode? node) => ExpressionValues.Of(node);
}
