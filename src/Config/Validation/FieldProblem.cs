namespace Lateen.Config.Validation;

/// <summary>What is wrong with one field.</summary>
/// <param name="Path">The field as Kubernetes writes it, <c>spec.http[0].route[1].weight</c>; empty when the whole object is meant.</param>
/// <param name="Message">What is wrong, in Istio's words where Istio has them, without the path.</param>
public readonly record struct FieldProblem(string Path, string Message)
{
    /// <summary>Path and message as shown to users; a message that names the path already is not given it twice.</summary>
    public override string ToString() => Path.Length == 0 || Message.Contains(Path, StringComparison.Ordinal) ? Message : $"{Path}: {Message}";
}

/// <summary>The verdict on one object. Immutable.</summary>
/// <param name="Errors">Why it is refused; empty when it is valid.</param>
/// <param name="Warnings">What is accepted but probably not meant.</param>
public sealed record ValidationResult(IReadOnlyList<FieldProblem> Errors, IReadOnlyList<FieldProblem> Warnings)
{
    /// <summary>Valid, and nothing to say.</summary>
    public static readonly ValidationResult Clean = new([], []);

    /// <summary>True without errors.</summary>
    public bool IsValid => Errors.Count == 0;
}
