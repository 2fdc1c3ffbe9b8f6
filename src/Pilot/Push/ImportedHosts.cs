using Istio.Networking.V1Alpha3;
using Lateen.Pilot.Model;

namespace Lateen.Pilot.Push;

/// <summary>The <c>namespace/host</c> list of an egress listener, split by namespace. Immutable.</summary>
internal sealed class ImportedHosts
{
    private const string AnyNamespace = "*";
    private readonly Dictionary<string, (List<string> Hosts, List<string> Excluded)> _byNamespace = new(StringComparer.Ordinal);

    public ImportedHosts(IEnumerable<string> hosts, string ownNamespace)
    {
        foreach (var host in hosts)
        {
            var slash = host.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0) continue;
            var (@namespace, name) = (host[..slash], host[(slash + 1)..].ToLowerInvariant());
            var excluded = @namespace.Length > 1 && @namespace[0] == '~';
            if (excluded) @namespace = @namespace[1..];
            if (@namespace == ".") @namespace = ownNamespace;
            if (!_byNamespace.TryGetValue(@namespace, out var lists)) _byNamespace[@namespace] = lists = ([], []);
            (excluded ? lists.Excluded : lists.Hosts).Add(name);
        }
    }

    /// <summary>True for the listener of a proxy without Sidecar: everything that is visible.</summary>
    public bool IsEverything =>
        _byNamespace.Count == 1 && _byNamespace.TryGetValue(AnyNamespace, out var all) && all.Excluded.Count == 0 && all.Hosts.Contains("*");

    public bool Imports(Service service) => Imports(service.Namespace, service.Hostname, Hostnames.IsSubset);

    /// <summary>An import of one service brings the rules that say something about it among others.</summary>
    public bool Imports(VirtualServiceEntry rule)
    {
        foreach (var host in rule.Hosts)
            if (Imports(rule.Namespace, host, Hostnames.Overlap)) return true;
        return false;
    }

    private bool Imports(string @namespace, string host, Func<string, string, bool> covers)
    {
        var own = _byNamespace.TryGetValue(@namespace, out var lists);
        var any = _byNamespace.TryGetValue(AnyNamespace, out var anyLists);
        if (own && Any(lists.Excluded) || any && Any(anyLists.Excluded)) return false;
        return own && Any(lists.Hosts) || any && Any(anyLists.Hosts);

        bool Any(List<string> patterns)
        {
            foreach (var pattern in patterns)
                if (covers(host, pattern)) return true;
            return false;
        }
    }
}
