using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>
/// Where routes are to stand: the listener's port, the gateway (or <c>mesh</c>), who asks. The part of a cache key that is
/// known beforehand; the rest is recorded. Immutable.
/// </summary>
/// <param name="Port">Port of the service or server; 0 for a listener of all ports.</param>
/// <param name="Gateway"><c>mesh</c> or <c>namespace/name</c>.</param>
/// <param name="IsTls">Whether the listener terminates TLS.</param>
/// <param name="Mesh">The mesh's settings.</param>
/// <param name="IsGrpc">For a gRPC client instead of a proxy.</param>
internal sealed record RoutePlace(int Port, string Gateway, bool IsTls, MeshSettings Mesh, bool IsGrpc);
