using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>What an authorisation service says of a request.</summary>
internal enum AuthVerdict
{
    Allow,
    Deny,

    /// <summary>It could not be asked, or did not understand.</summary>
    Error,
}

/// <summary>The verdict and what comes with it. Immutable.</summary>
internal sealed record AuthAnswer(AuthVerdict Verdict)
{
    public static readonly AuthAnswer Failed = new(AuthVerdict.Error);

    /// <summary>Status of a denial, or of an error that the service itself words; 0 for the filter's own.</summary>
    public int Status { get; init; }

    /// <summary>Body of a denial.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>Changes of the request's headers when it is allowed.</summary>
    public IReadOnlyList<HeaderChange> Request { get; init; } = [];

    /// <summary>Changes of the headers of whatever response comes.</summary>
    public IReadOnlyList<HeaderChange> Response { get; init; } = [];

    public IReadOnlyList<QueryParameter> QuerySet { get; init; } = [];

    public IReadOnlyList<string> QueryRemoved { get; init; } = [];

    /// <summary>Dynamic metadata of the filter.</summary>
    public Struct? Metadata { get; init; }
}

/// <summary>What a question carries beside the request's head.</summary>
/// <param name="Body">The request's body as far as it is sent along.</param>
/// <param name="HasBody">There is a body, and the service wants it.</param>
/// <param name="IsPart">There is more of the body.</param>
/// <param name="AsBytes">The body is sent as bytes rather than as text.</param>
/// <param name="Extensions">What the route tells the service.</param>
internal readonly record struct AuthQuestion(ReadOnlyMemory<byte> Body, bool HasBody, bool IsPart, bool AsBytes, IReadOnlyDictionary<string, string> Extensions);

/// <summary>A way to ask. Immutable.</summary>
internal interface IAuthService
{
    ValueTask<AuthAnswer> AskAsync(HttpExchange exchange, AuthQuestion question);
}
