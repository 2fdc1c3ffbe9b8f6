using System.Collections.Frozen;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using static Istio.Networking.V1Alpha3.ServerTLSSettings.Types;

namespace Lateen.Config.Validation.Networking;

/// <summary>TLS of a server: which certificates each mode needs, and which it must not have.</summary>
internal static class ServerTls
{
    // What BoringSSL has under OpenSSL's names, pre-shared keys left out.
    private static readonly FrozenSet<string> Ciphers = FrozenSet.Create(
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA");

    public static bool IsPassthrough(ServerTLSSettings tls) => tls.Mode is TLSmode.Passthrough or TLSmode.AutoPassthrough;

    public static void Validate(Check check, FieldPath at, ServerTLSSettings? tls)
    {
        if (tls is null) return;
        if (!check.Original)
        {
            WarnCiphers(check, at, tls);
            if (tls.Mode == TLSmode.IstioMutual)
            {
                CheckIstioMutual(check, at, tls);
                return;
            }
            CheckSources(check, at, tls);
        }
        if (tls.Mode is TLSmode.Simple or TLSmode.Mutual or TLSmode.OptionalMutual)
        {
            if (tls.CredentialName.Length > 0 || tls.CredentialNames.Count > 0) return;
            CheckCertificates(check, at, tls);
        }
        if (tls.CaCrl.Length == 0) return;
        if (tls.CredentialName.Length > 0) check.Error(at["caCrl"], "CRL is not supported with credentialName. CRL has to be specified in the credential");
        if (tls.Mode == TLSmode.Simple) check.Error(at["caCrl"], "CRL is not supported with SIMPLE TLS");
    }

    private static void CheckCertificates(Check check, FieldPath at, ServerTLSSettings tls)
    {
        var mode = tls.Mode == TLSmode.Simple ? "SIMPLE TLS" : "MUTUAL TLS";
        if (tls.Mode != TLSmode.Simple && tls.CaCertificates.Length == 0) check.Error(at["caCertificates"], $"{mode} requires a client CA bundle");
        if (tls.TlsCertificates.Count > 2) check.Warn(at["tlsCertificates"], $"{mode} can support up to 2 server certificates");
        if (tls.TlsCertificates.Count == 0) Pair(at, tls.ServerCertificate, tls.PrivateKey);
        for (var i = 0; i < tls.TlsCertificates.Count; i++) Pair(at["tlsCertificates"][i], tls.TlsCertificates[i].ServerCertificate, tls.TlsCertificates[i].PrivateKey);

        void Pair(FieldPath path, string certificate, string key)
        {
            if (certificate.Length == 0) check.Error(path["serverCertificate"], $"{mode} requires a server certificate");
            if (key.Length == 0) check.Error(path["privateKey"], $"{mode} requires a private key");
        }
    }

    private static void CheckIstioMutual(Check check, FieldPath at, ServerTLSSettings tls)
    {
        Refuse("serverCertificate", tls.ServerCertificate.Length > 0, "server certificate");
        Refuse("privateKey", tls.PrivateKey.Length > 0, "private key");
        Refuse("caCertificates", tls.CaCertificates.Length > 0, "CA bundle");
        Refuse("tlsCertificates", tls.TlsCertificates.Count > 0, "tlsCertificates");
        Refuse("credentialName", tls.CredentialName.Length > 0, "credentialName");
        Refuse("credentialNames", tls.CredentialNames.Count > 0, "credentialNames");

        void Refuse(string field, bool isSet, string what)
        {
            if (isSet) check.Error(at[field], $"ISTIO_MUTUAL TLS cannot have associated {what}");
        }
    }

    private static void CheckSources(Check check, FieldPath at, ServerTLSSettings tls)
    {
        var hasAny = tls.CaCrl.Length + tls.ServerCertificate.Length + tls.PrivateKey.Length + tls.CaCertificates.Length + tls.CredentialName.Length > 0
            || tls.TlsCertificates.Count > 0 || tls.CredentialNames.Count > 0;
        if (IsPassthrough(tls) && hasAny)
            check.Warn(at["mode"], $"{(tls.Mode == TLSmode.Passthrough ? "PASSTHROUGH" : "AUTO_PASSTHROUGH")} mode does not use certificates, they will be ignored");
        var sources = (tls.ServerCertificate.Length > 0 && tls.PrivateKey.Length > 0 ? 1 : 0) + (tls.CredentialName.Length > 0 ? 1 : 0)
            + (tls.CredentialNames.Count > 0 ? 1 : 0) + (tls.TlsCertificates.Count > 0 ? 1 : 0);
        if (sources > 1) check.Error(at, "only one of credential_name, credential_names, server_certificate/private_key, tls_certificates should be specified");
    }

    private static void WarnCiphers(Check check, FieldPath at, ServerTLSSettings tls)
    {
        if (tls.MinProtocolVersion is TLSProtocol.Tlsv10 or TLSProtocol.Tlsv11 && tls.CipherSuites.Count == 0)
            check.Warn(at["minProtocolVersion"], "TLS version below TLSV1_2 require setting compatible ciphers as by default they no longer include compatible ciphers.");
        var valid = new HashSet<string>(StringComparer.Ordinal);
        var duplicates = new SortedSet<string>(StringComparer.Ordinal);
        var invalid = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var cipher in tls.CipherSuites)
        {
            // An expression with an operator in front is left to the proxy.
            if (cipher is "" or "ALL" || !char.IsLetterOrDigit(cipher[0]) || Ciphers.Contains(cipher))
            {
                if (!valid.Add(cipher)) duplicates.Add(cipher);
            }
            else
            {
                invalid.Add(cipher);
            }
        }
        if (invalid.Count > 0) check.Warn(at["cipherSuites"], $"ignoring invalid cipher suites: {GoText.List(invalid)}");
        if (duplicates.Count > 0) check.Warn(at["cipherSuites"], $"ignoring duplicate cipher suites: {GoText.List(duplicates)}");
    }
}
