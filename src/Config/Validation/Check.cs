namespace Lateen.Config.Validation;

/// <summary>The judging of one object: what is known about it, and what was found. Owned by one call.</summary>
/// <param name="target">The object.</param>
/// <param name="original">Whether the rules of Istio 1.1 hold instead of today's.</param>
internal sealed class Check(ConfigObject target, bool original)
{
    private readonly List<FieldProblem> _errors = [];
    private readonly List<FieldProblem> _warnings = [];

    public ConfigObject Object { get; } = target;

    /// <summary>True where 1.1's rules hold: see <see cref="OriginalRules"/>.</summary>
    public bool Original { get; } = original;

    public string Namespace => Object.Namespace;

    public int ErrorCount => _errors.Count;

    /// <summary>Notes an error; null, the answer of a primitive that found nothing, is no error.</summary>
    public void Error(FieldPath at, string? message)
    {
        if (message is not null) _errors.Add(new FieldProblem(at.ToString(), message));
    }

    public void Warn(FieldPath at, string? message)
    {
        if (message is not null) _warnings.Add(new FieldProblem(at.ToString(), message));
    }

    public ValidationResult Result() =>
        _errors.Count + _warnings.Count == 0 ? ValidationResult.Clean : new ValidationResult(_errors, _warnings);
}
