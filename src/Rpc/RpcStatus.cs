namespace Lateen.Rpc;

/// <summary>The status codes of gRPC. Source: grpc/grpc doc/statuscodes.md.</summary>
public enum RpcStatusCode
{
    /// <summary>Success.</summary>
    Ok = 0,

    /// <summary>The caller gave up.</summary>
    Cancelled = 1,

    /// <summary>An error that fits no other code.</summary>
    Unknown = 2,

    /// <summary>The request is wrong whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The time ran out.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was asked for is not there.</summary>
    NotFound = 5,

    /// <summary>What was to be made is there already.</summary>
    AlreadyExists = 6,

    /// <summary>The caller is known and may not.</summary>
    PermissionDenied = 7,

    /// <summary>A quota or a limit is used up.</summary>
    ResourceExhausted = 8,

    /// <summary>The system is not in the state that the call needs.</summary>
    FailedPrecondition = 9,

    /// <summary>Another change got in between.</summary>
    Aborted = 10,

    /// <summary>Past the end of what is there.</summary>
    OutOfRange = 11,

    /// <summary>The method is not there.</summary>
    Unimplemented = 12,

    /// <summary>Something that should always hold is broken.</summary>
    Internal = 13,

    /// <summary>The service cannot be reached now.</summary>
    Unavailable = 14,

    /// <summary>Data are lost or spoilt.</summary>
    DataLoss = 15,

    /// <summary>The caller is not known.</summary>
    Unauthenticated = 16,
}

/// <summary>How a call ended. Immutable.</summary>
/// <param name="Code">The code.</param>
/// <param name="Message">Text for a person; may be empty.</param>
public readonly record struct RpcStatus(RpcStatusCode Code, string Message)
{
    /// <summary>Success.</summary>
    public static RpcStatus Ok { get; } = new(RpcStatusCode.Ok, "");

    /// <inheritdoc/>
    public override string ToString() => string.IsNullOrEmpty(Message) ? Code.ToString() : $"{Code}: {Message}";
}

/// <summary>A call that did not end with <see cref="RpcStatusCode.Ok"/>; thrown by a handler, it becomes the status of its call.</summary>
public sealed class RpcException : Exception
{
    /// <summary>With a code and a message.</summary>
    public RpcException(RpcStatusCode code, string message, Exception? inner = null)
        : this(new RpcStatus(code, message), inner)
    {
    }

    /// <summary>With a whole status.</summary>
    public RpcException(RpcStatus status, Exception? inner = null)
        : base(status.ToString(), inner) => Status = status;

    /// <summary>How the call ended.</summary>
    public RpcStatus Status { get; }

    /// <summary>The trailers that came with the status.</summary>
    public RpcMetadata Trailers { get; init; } = new();
}
