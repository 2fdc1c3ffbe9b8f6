using Istio.Networking.V1Alpha3;
using static Istio.Networking.V1Alpha3.ClientTLSSettings.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>TLS towards a destination.</summary>
internal static class ClientTls
{
    public static void Validate(Check check, FieldPath at, ClientTLSSettings? tls)
    {
        if (tls is null) return;
        if (!check.Original)
        {
            CheckCredential(check, at["credentialName"], tls.CredentialName);
            if (tls.InsecureSkipVerify == true) CheckSkipping(check, at["insecureSkipVerify"], tls);
            if (tls.Mode is TLSmode.Simple or TLSmode.Mutual && tls.CredentialName.Length > 0)
            {
                if (tls.ClientCertificate.Length + tls.CaCertificates.Length + tls.PrivateKey.Length + tls.CaCrl.Length > 0)
                    check.Error(at["credentialName"], "cannot specify client certificates or CA certificate or CA CRL If credentialName is set");
                return;
            }
        }
        if (tls.Mode != TLSmode.Mutual) return;
        if (tls.ClientCertificate.Length == 0) check.Error(at["clientCertificate"], "client certificate required for mutual tls");
        if (tls.PrivateKey.Length == 0) check.Error(at["privateKey"], "private key required for mutual tls");
    }

    /// <summary><c>configmap://namespace/name</c> may name the object's own namespace only.</summary>
    private static void CheckCredential(Check check, FieldPath at, string name)
    {
        const string Scheme = "configmap://";
        if (!name.StartsWith(Scheme, StringComparison.Ordinal)) return;
        var parts = name[Scheme.Length..].Split('/');
        if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0) check.Error(at, $"invalid configmap:// credentialName: invalid resource name \"{name}\"");
        else if (parts[0] != check.Namespace) check.Error(at, $"invalid configmap:// credentialName: namespace must match the configuration namespace \"{check.Namespace}\"");
    }

    private static void CheckSkipping(Check check, FieldPath at, ClientTLSSettings tls)
    {
        if (tls.Mode == TLSmode.Simple && (tls.CaCertificates.Length + tls.CredentialName.Length > 0 || tls.SubjectAltNames.Count > 0))
            check.Error(at, "cannot specify CaCertificates or CredentialName or SubjectAltNames when InsecureSkipVerify is set true");
        if (tls.Mode == TLSmode.Mutual && (tls.CaCertificates.Length > 0 || tls.SubjectAltNames.Count > 0))
            check.Error(at, "cannot specify CaCertificates or SubjectAltNames when InsecureSkipVerify is set true");
    }
}
