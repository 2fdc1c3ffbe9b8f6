using Istio.Security.V1Beta1;

namespace Lateen.Config.Validation.Security;

/// <summary>Who calls.</summary>
internal static class Sources
{
    /// <summary>True when the source says something that holds for TCP too.</summary>
    public static bool Validate(Check check, FieldPath at, int index, Source source)
    {
        var forTcp = source.Principals.Count + source.NotPrincipals.Count + source.Namespaces.Count + source.NotNamespaces.Count
            + source.IpBlocks.Count + source.NotIpBlocks.Count + source.RemoteIpBlocks.Count + source.NotRemoteIpBlocks.Count
            + source.ServiceAccounts.Count + source.NotServiceAccounts.Count;
        if (source.ServiceAccounts.Count + source.NotServiceAccounts.Count > 0
            && source.Principals.Count + source.NotPrincipals.Count + source.Namespaces.Count + source.NotNamespaces.Count > 0)
            check.Error(at["serviceAccounts"], $"cannot set serviceAccounts with namespaces or principals, found at rule {index}");
        if (forTcp + source.RequestPrincipals.Count + source.NotRequestPrincipals.Count + source.TrustDomains.Count + source.NotTrustDomains.Count == 0)
            check.Error(at, $"`from.source` must not be empty, found at rule {index}");

        PolicyValues.CheckIps(check, at["ipBlocks"], source.IpBlocks);
        PolicyValues.CheckIps(check, at["notIpBlocks"], source.NotIpBlocks);
        PolicyValues.CheckIps(check, at["remoteIpBlocks"], source.RemoteIpBlocks);
        PolicyValues.CheckIps(check, at["notRemoteIpBlocks"], source.NotRemoteIpBlocks);
        check.Error(at["principals"], PolicyValues.CheckNotEmpty("Principals", source.Principals));
        check.Error(at["notPrincipals"], PolicyValues.CheckNotEmpty("NotPrincipals", source.NotPrincipals));
        check.Error(at["requestPrincipals"], PolicyValues.CheckNotEmpty("RequestPrincipals", source.RequestPrincipals));
        check.Error(at["notRequestPrincipals"], PolicyValues.CheckNotEmpty("NotRequestPrincipals", source.NotRequestPrincipals));
        check.Error(at["namespaces"], PolicyValues.CheckNotEmpty("Namespaces", source.Namespaces));
        check.Error(at["notNamespaces"], PolicyValues.CheckNotEmpty("NotNamespaces", source.NotNamespaces));
        check.Error(at["serviceAccounts"], PolicyValues.CheckServiceAccounts("ServiceAccounts", source.ServiceAccounts));
        check.Error(at["notServiceAccounts"], PolicyValues.CheckServiceAccounts("NotServiceAccounts", source.NotServiceAccounts));
        check.Error(at["trustDomains"], PolicyValues.CheckTrustDomains("TrustDomains", source.TrustDomains));
        check.Error(at["notTrustDomains"], PolicyValues.CheckTrustDomains("NotTrustDomains", source.NotTrustDomains));
        return forTcp > 0;
    }
}
