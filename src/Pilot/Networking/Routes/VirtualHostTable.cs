using Envoy.Config.Route.V3;
using Google.Protobuf;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>
/// Gathers the virtual hosts of one route configuration, in which no name and no domain may stand twice: the first has it
/// (pilot/pkg/networking/core/httproute.go). Owned by one builder.
/// </summary>
internal sealed class VirtualHostTable(IReadOnlySet<string> knownNames)
{
    private const int RoutesField = 3;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _domains = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(string Name, ByteString Bytes)> _hosts = [];

    /// <summary>Hosts that lost to another of the same name or domains.</summary>
    public List<string> Duplicates { get; } = [];

    public void Add(string name, HostDomains domains, RouteSet routes, Func<string, bool>? keep = null)
    {
        if (!_names.Add(name))
        {
            Duplicates.Add(name);
            return;
        }
        var own = Claim(domains, keep);
        if (own.Length < domains.All.Length && keep == null) Duplicates.Add(name);
        if (own.Length > 0) _hosts.Add((name, Encode(name, own, routes)));
    }

    /// <summary>The serialized hosts in the order of their names.</summary>
    public List<ByteString> Sorted()
    {
        _hosts.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return _hosts.ConvertAll(h => h.Bytes);
    }

    public static ByteString Encode(string name, string[] domains, RouteSet routes) =>
        routes.Generated.Get(new HostKey(name, domains), (name, domains, routes), static s => Build(s.name, s.domains, s.routes));

    public static ByteString Build(string name, string[] domains, RouteSet routes, VirtualHost.Types.TlsRequirementType tls = VirtualHost.Types.TlsRequirementType.None)
    {
        var host = new VirtualHost { Name = name, IncludeRequestAttemptCount = true, RequireTls = tls };
        host.Domains.AddRange(domains);
        return RepeatedParts.Append(host, RoutesField, [.. routes.Routes.Select(r => r.Bytes)]);
    }

    /// <summary>The array itself when all of its domains are free, so that what was made for it is found again.</summary>
    private string[] Claim(HostDomains domains, Func<string, bool>? keep)
    {
        List<string>? left = null;
        for (var i = 0; i < domains.All.Length; i++)
        {
            var domain = domains.All[i];
            // A short form must not take the full name of another service.
            var free = (keep == null || keep(domain)) && !(domains.Expanded.Contains(domain) && knownNames.Contains(domain)) && _domains.Add(domain);
            if (free) left?.Add(domain);
            else left ??= [.. domains.All[..i]];
        }
        return left == null ? domains.All : [.. left];
    }

    /// <summary>The domains count by identity: they are made once for each service and search domain.</summary>
    private sealed record HostKey(string Name, string[] Domains);
}
