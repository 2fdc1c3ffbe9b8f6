using Istio.Mesh.V1Alpha1;

namespace Lateen.Pilot.Networking.Security;

/// <summary>The trust domain of a mesh and its aliases, of which each stands for all (pilot/pkg/trustbundle; pkg/spiffe).</summary>
internal static class TrustDomains
{
    private const string Default = "cluster.local";
    private const int PartsOfIdentity = 5;

    /// <summary>The mesh's own, then its aliases.</summary>
    public static IReadOnlyList<string> Of(MeshConfig mesh) => [mesh.TrustDomain.Length > 0 ? mesh.TrustDomain : Default, .. mesh.TrustDomainAliases];

    /// <summary>A principal <c>domain/ns/N/sa/A</c> of a domain of the mesh is meant in each of its domains; any other as it stands.</summary>
    public static IEnumerable<string> Expand(string principal, IReadOnlyList<string> domains)
    {
        var slash = principal.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || principal.Split('/').Length != PartsOfIdentity || principal.StartsWith("*/", StringComparison.Ordinal)) return [principal];
        var domain = principal[..slash];
        return domain == Default || domains.Contains(domain) ? domains.Select(d => d + principal[slash..]) : [principal];
    }
}
