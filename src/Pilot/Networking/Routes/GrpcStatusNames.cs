namespace Lateen.Pilot.Networking.Routes;

/// <summary>The names of gRPC's status codes, in the order of their numbers.</summary>
internal static class GrpcStatusNames
{
    private static readonly string[] Names =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    /// <summary>0 for what is no name (parity: pkg/config/grpc knows names only, so "5" is OK).</summary>
    public static uint Parse(string name) => (uint)Math.Max(0, Array.IndexOf(Names, name));
}
