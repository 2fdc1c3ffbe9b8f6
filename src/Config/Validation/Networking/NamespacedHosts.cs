using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Hosts with the namespace that they are looked for in: <c>ns/host</c>, <c>*/host</c>, <c>./host</c>.</summary>
internal static class NamespacedHosts
{
    public static void Validate(Check check, FieldPath at, string host, bool isGateway)
    {
        var slash = host.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            if (isGateway) Name(check, at, host, isGateway);
            else check.Error(at, "host must be of form namespace/dnsName");
            return;
        }
        var (ns, name) = (host[..slash], host[(slash + 1)..]);
        if (ns.Length == 0 || name.Length == 0) check.Error(at, "config namespace and dnsName in host entry cannot be empty");
        if (!IsNamespace(check, ns, isGateway)) check.Error(at, $"invalid namespace value {GoText.Quote(ns)} in {(isGateway ? "gateway" : "sidecar")}");
        Name(check, at, name, isGateway);
    }

    private static bool IsNamespace(Check check, string ns, bool isGateway)
    {
        if (isGateway) return ns is "*" or "." || DnsNames.IsLabel(ns);
        if (check.Original) return ns is "*" or "." or "~" || DnsNames.IsLabel(ns);
        // A tilde before a namespace leaves it out; alone it means none.
        var bare = ns.StartsWith('~') ? ns[1..] : ns;
        return bare is "" or "*" or "." || DnsNames.IsLabel(bare);
    }

    private static void Name(Check check, FieldPath at, string name, bool isGateway)
    {
        if (name != "*" && !name.Contains('.', StringComparison.Ordinal)) check.Error(at, "short names (non FQDN) are not allowed");
        if (DnsNames.CheckWildcardDomain(name, check.Original) is { } problem && !(isGateway && Addresses.IsIp(name))) check.Error(at, problem);
        if (!check.Original) check.Error(at, DnsNames.CheckPartialWildcard(name));
    }
}
