using Lateen.EmbeddedCluster.ApiServer.Identity;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>How unknown and repeated fields are met.</summary>
internal enum FieldValidation
{
    Ignore,
    Warn,
    Strict,
}

/// <summary>Who asks, how, and what to tell them beside the answer. Owned by one request.</summary>
internal sealed class RequestScope(UserIdentity user, CancellationToken cancel)
{
    private readonly List<string> _warnings = [];

    public UserIdentity User { get; } = user;

    public CancellationToken Cancel { get; } = cancel;

    public bool DryRun { get; init; }

    public FieldValidation FieldValidation { get; init; } = FieldValidation.Warn;

    /// <summary>Name under which changes are recorded in managedFields.</summary>
    public string FieldManager { get; init; } = "unknown";

    public IReadOnlyList<string> Warnings => _warnings;

    public void Warn(string text)
    {
        if (_warnings.Count < 64 && !_warnings.Contains(text)) _warnings.Add(text);
    }
}
