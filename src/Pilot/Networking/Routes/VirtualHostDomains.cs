using System.Globalization;
using System.Net;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>The names of a virtual host. <see cref="Expanded"/> are those among them that a DNS search domain makes shorter. Immutable.</summary>
internal sealed record HostDomains(string[] All, IReadOnlySet<string> Expanded);

/// <summary>
/// Every name by which clients call a service: its full name, the short forms that the client's search domains allow, its
/// addresses, and the same for its aliases (pilot/pkg/networking/core/httproute.go#generateVirtualHostDomains).
/// </summary>
internal static class VirtualHostDomains
{
    /// <param name="service">The service.</param>
    /// <param name="dnsDomain">The client's search domain, such as <c>default.svc.cluster.local</c>.</param>
    /// <param name="port">Also with this port; 0 where the proxy ignores the port of a request's host.</param>
    public static HostDomains Of(Service service, string dnsDomain, int port) =>
        service.Generated.Get(("domains", dnsDomain, port), (service, dnsDomain, port), static s => Build(s.service, s.dnsDomain, s.port));

    /// <summary>The short forms of a name, the absolute one (with final dot) first.</summary>
    public static IEnumerable<string> Alternatives(string hostname, string dnsDomain)
    {
        if (!IPAddress.TryParse(hostname, out _)) yield return hostname + ".";
        var mine = dnsDomain.IndexOf(".svc.", StringComparison.Ordinal);
        var theirs = hostname.IndexOf(".svc.", StringComparison.Ordinal);
        var first = hostname.IndexOf('.', StringComparison.Ordinal);
        // Only names of the same cluster's services: shortening others could take the name of one.
        if (mine < 0 || theirs <= 0 || first >= theirs || !hostname.AsSpan().EndsWith(dnsDomain.AsSpan(mine + 1), StringComparison.Ordinal)) yield break;
        if (hostname.AsSpan(first + 1, theirs - first - 1).SequenceEqual(dnsDomain.AsSpan(0, mine)))
        {
            yield return hostname[..first];
            yield return hostname[..theirs] + ".svc";
            yield return hostname[..theirs];
        }
        else
        {
            yield return hostname[..theirs];
            yield return hostname[..theirs] + ".svc";
        }
    }

    public static string WithPort(string domain, int port) => string.Create(CultureInfo.InvariantCulture, $"{domain}:{port}");

    /// <summary>An IPv6 address stands in brackets.</summary>
    public static string Bracketed(string host) => host.Contains(':') && IPAddress.TryParse(host, out _) ? $"[{host}]" : host;

    private static HostDomains Build(Service service, string dnsDomain, int port)
    {
        List<string> domains = [];
        HashSet<string> expanded = new(StringComparer.Ordinal);
        foreach (var name in service.Aliases.Prepend(service.Hostname))
        {
            Add(name);
            foreach (var alternative in Alternatives(name, dnsDomain))
            {
                expanded.Add(alternative);
                Add(alternative);
            }
        }
        // The pods of a headless service have names below the service's.
        if (service.Resolution == Resolution.Passthrough && service.Registry == RegistryKind.Kubernetes)
            domains.AddRange([.. domains.Select(d => "*." + d)]);
        foreach (var address in service.Addresses)
            if (!address.Contains('/') && address != Service.UnspecifiedAddress) Add(Bracketed(address));
        return new([.. domains], expanded);

        void Add(string domain)
        {
            domains.Add(domain);
            if (port != 0) domains.Add(WithPort(domain, port));
        }
    }
}
