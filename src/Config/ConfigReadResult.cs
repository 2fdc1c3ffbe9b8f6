using Lateen.Config.Kinds;
using Lateen.Config.Validation;

namespace Lateen.Config;

/// <summary>What became of one JSON tree. Immutable.</summary>
public sealed record ConfigReadResult
{
    /// <summary>The kind; null when it is none of Istio's, in which case nothing was judged.</summary>
    public ConfigKind? Kind { get; init; }

    /// <summary>The object; null when it is not of Istio's kinds or could not be read.</summary>
    public ConfigObject? Object { get; init; }

    /// <summary>Why it could not be read.</summary>
    public IReadOnlyList<FieldProblem> Errors { get; init; } = [];

    /// <summary>Fields that were left out, where the reader was asked to be lenient.</summary>
    public IReadOnlyList<FieldProblem> Warnings { get; init; } = [];
}
