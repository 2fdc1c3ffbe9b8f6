using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Proxy.Tls;

/// <summary>
/// What filters and logs ask of one certificate. The certificate is read when the first question comes: most connections
/// never ask. Immutable to its users, any thread.
/// </summary>
internal sealed class CertificateFacts
{
    private readonly byte[] _der;
    private readonly Lazy<Parsed> _parsed;

    /// <param name="der">The certificate, kept.</param>
    public CertificateFacts(byte[] der)
    {
        _der = der;
        _parsed = new Lazy<Parsed>(() => Parse(der), LazyThreadSafetyMode.PublicationOnly);
    }

    public ReadOnlySpan<byte> Der => _der;

    /// <summary>URI names, a SPIFFE id among them, in the certificate's order.</summary>
    public IReadOnlyList<string> UriNames => _parsed.Value.Uris;

    public IReadOnlyList<string> DnsNames => _parsed.Value.DnsNames;

    public IReadOnlyList<string> EmailNames => _parsed.Value.Emails;

    /// <summary>Address names as text.</summary>
    public IReadOnlyList<string> AddressNames => _parsed.Value.Addresses;

    /// <summary>The subject as RFC 2253 writes it ("CN=a,O=b").</summary>
    public string Subject => _parsed.Value.Subject;

    /// <inheritdoc cref="Subject"/>
    public string Issuer => _parsed.Value.Issuer;

    /// <summary>Lower-case hexadecimal digits without leading zeroes.</summary>
    public string Serial => _parsed.Value.Serial;

    public DateTime ValidFrom => _parsed.Value.ValidFrom;

    public DateTime ValidTo => _parsed.Value.ValidTo;

    /// <summary>SHA-256 of the certificate, lower-case hexadecimal.</summary>
    public string Sha256 => field ??= Convert.ToHexStringLower(SHA256.HashData(_der));

    /// <summary>The certificate as PEM, percent-encoded as x-forwarded-client-cert carries it.</summary>
    public string UrlEncodedPem => field ??= Uri.EscapeDataString(PemEncoding.WriteString("CERTIFICATE", _der) + "\n");

    private sealed record Parsed(
        string[] Uris, string[] DnsNames, string[] Emails, string[] Addresses, string Subject, string Issuer, string Serial, DateTime ValidFrom, DateTime ValidTo);

    /// <summary>The certificate came through libssl's parser; names that cannot be read all the same are left out.</summary>
    private static Parsed Parse(byte[] der)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der);
            List<string> uris = [], dns = [], emails = [], addresses = [];
            foreach (var extension in certificate.Extensions)
                if (extension.Oid?.Value == "2.5.29.17")
                    ReadNames(extension.RawData, uris, dns, emails, addresses);
            var serial = certificate.SerialNumber.TrimStart('0').ToLowerInvariant();
            return new Parsed(
                [.. uris], [.. dns], [.. emails], [.. addresses], DistinguishedName.Format(certificate.SubjectName.RawData), DistinguishedName.Format(certificate.IssuerName.RawData),
                serial.Length > 0 ? serial : "0", certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        }
        catch (CryptographicException)
        {
            return new Parsed([], [], [], [], "", "", "", default, default);
        }
    }

    /// <summary>GeneralNames of RFC 5280, section 4.2.1.6.</summary>
    private static void ReadNames(byte[] extension, List<string> uris, List<string> dns, List<string> emails, List<string> addresses)
    {
        try
        {
            var names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                var tag = names.PeekTag();
                if (tag.TagClass != TagClass.ContextSpecific || tag.TagValue is not (1 or 2 or 6 or 7))
                {
                    names.ReadEncodedValue();
                    continue;
                }
                if (tag.TagValue == 7)
                {
                    var bytes = names.ReadOctetString(tag);
                    if (bytes.Length is 4 or 16) addresses.Add(new System.Net.IPAddress(bytes).ToString());
                    continue;
                }
                var text = names.ReadCharacterString(UniversalTagNumber.IA5String, tag);
                (tag.TagValue switch { 1 => emails, 2 => dns, _ => uris }).Add(text);
            }
        }
        catch (AsnContentException)
        {
            // What could be read before stays.
        }
    }
}
