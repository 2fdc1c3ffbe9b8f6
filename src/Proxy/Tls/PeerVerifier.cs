using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.Proxy.Tls;

/// <summary>
/// Checks names and pins of a certificate whose chain was checked. Immutable, any thread. Source: Envoy,
/// source/common/tls/cert_validator/default_validator.cc, as its documentation of CertificateValidationContext has it.
/// </summary>
internal static class PeerVerifier
{
    public static VerifyOutcome Check(PeerValidation rules, CertificateFacts certificate, string requiredName)
    {
        if (requiredName.Length > 0 && !HasName(certificate, requiredName)) return VerifyOutcome.BadName;
        if (rules.Names.Length > 0 && !MatchesAny(rules.Names, certificate)) return VerifyOutcome.BadName;
        if ((rules.Hashes.Length > 0 || rules.KeyHashes.Length > 0) && !IsPinned(rules, certificate)) return VerifyOutcome.BadHash;
        return rules.ChecksAnything ? VerifyOutcome.Verified : VerifyOutcome.None;
    }

    /// <summary>The certificate is for a DNS name (wildcards as in RFC 6125) or an address.</summary>
    private static bool HasName(CertificateFacts certificate, string name)
    {
        if (System.Net.IPAddress.TryParse(name, out var address))
        {
            var text = address.ToString();
            return certificate.AddressNames.Contains(text);
        }
        foreach (var candidate in certificate.DnsNames)
            if (DnsMatches(candidate, name))
                return true;
        return false;
    }

    private static bool MatchesAny(NameMatch[] accepted, CertificateFacts certificate)
    {
        foreach (var rule in accepted)
        {
            if (rule.Kind is NameKind.Uri or NameKind.Any && Any(rule, certificate.UriNames, dns: false)) return true;
            if (rule.Kind is NameKind.Dns or NameKind.Any && Any(rule, certificate.DnsNames, dns: true)) return true;
            if (rule.Kind is NameKind.Email or NameKind.Any && Any(rule, certificate.EmailNames, dns: false)) return true;
            if (rule.Kind is NameKind.Address or NameKind.Any && Any(rule, certificate.AddressNames, dns: false)) return true;
        }
        return false;
    }

    private static bool Any(in NameMatch rule, IReadOnlyList<string> names, bool dns)
    {
        foreach (var name in names)
        {
            // An exact DNS rule is met by the certificate's wildcards too.
            if (dns && rule.Exact.Length > 0 && DnsMatches(name, rule.Exact)) return true;
            if (rule.Match.IsMatch(Encoding.UTF8.GetBytes(name))) return true;
        }
        return false;
    }

    /// <summary>A name of a certificate against a host name: equal, or "*." for the first label (RFC 6125 section 6.4.3).</summary>
    internal static bool DnsMatches(string pattern, string name)
    {
        if (pattern.Equals(name, StringComparison.OrdinalIgnoreCase)) return true;
        if (!pattern.StartsWith("*.", StringComparison.Ordinal)) return false;
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && name.AsSpan(dot).Equals(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsPinned(PeerValidation rules, CertificateFacts certificate)
    {
        var hash = SHA256.HashData(certificate.Der);
        foreach (var accepted in rules.Hashes)
            if (accepted.AsSpan().SequenceEqual(hash))
                return true;
        if (rules.KeyHashes.Length == 0) return false;
        try
        {
            using var parsed = X509CertificateLoader.LoadCertificate(certificate.Der);
            var key = SHA256.HashData(parsed.PublicKey.ExportSubjectPublicKeyInfo());
            return Array.Exists(rules.KeyHashes, accepted => accepted.AsSpan().SequenceEqual(key));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
