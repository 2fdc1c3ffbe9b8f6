using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Schemas.Expressions;

/// <summary>A rule of x-kubernetes-validations, compiled. Immutable.</summary>
internal sealed class CompiledRule
{
    private readonly string _text;
    private readonly string? _message;
    private readonly Expression? _messageExpression;
    private readonly Expression? _rule;

    public CompiledRule(string text, string? message, string? messageExpression, string? reason, string? fieldPath)
    {
        (_text, _message) = (text, message);
        Reason = reason is "FieldValueForbidden" or "FieldValueRequired" or "FieldValueDuplicate" ? reason : "FieldValueInvalid";
        FieldPath = fieldPath ?? "";
        _rule = Compile(text, out var problem);
        Problem = problem;
        if (messageExpression is not null) _messageExpression = Compile(messageExpression, out _);
        ComparesOld = _rule?.Uses("oldSelf") == true;
    }

    /// <summary>Why the rule cannot be evaluated, null when it can; such a rule refuses nothing.</summary>
    public string? Problem { get; }

    public string Reason { get; }

    /// <summary>Path below the value that the problem is reported at: ".a.b".</summary>
    public string FieldPath { get; }

    /// <summary>The rule is about a change, so it holds for whatever is new.</summary>
    public bool ComparesOld { get; }

    /// <summary>Checks a value.</summary>
    public void Check(JsonNode? value, JsonNode? old, string path, FieldProblems problems)
    {
        if (_rule is null || (ComparesOld && old is null)) return;
        var scope = new ExpressionScope();
        scope["self"] = ExpressionValues.Of(value);
        if (old is not null) scope["oldSelf"] = ExpressionValues.Of(old);
        try
        {
            if (_rule.Evaluate(scope) is true) return;
            // Only plain values are shown, and only where they stand.
            problems.Failed(path + FieldPath, Reason, value is JsonValue && FieldPath.Length == 0 ? value.DeepClone() : null, Message(scope));
        }
        catch (ExpressionValueException wrong)
        {
            problems.Invalid(path, CustomObjectValidator.TypeName(value), $"{wrong.Message} evaluating rule: {(string.IsNullOrEmpty(_message) ? _text : _message)}");
        }
    }

    private string Message(ExpressionScope scope)
    {
        try
        {
            if (_messageExpression?.Evaluate(scope) is string { Length: > 0 } made) return made;
        }
        catch (ExpressionValueException)
        {
            // The plain message serves as well.
        }
        return string.IsNullOrEmpty(_message) ? $"failed rule: {_text}" : _message;
    }

    private static Expression? Compile(string text, out string? problem)
    {
        problem = null;
        try
        {
            return ExpressionParser.Parse(text);
        }
        catch (ExpressionSyntaxException wrong)
        {
            problem = wrong.Message;
            return null;
        }
    }
}
