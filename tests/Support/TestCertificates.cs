using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Support;

/// <summary>A certificate authority for one test, and the certificates that it issues.</summary>
public sealed class TestCertificates : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Makes the authority.</summary>
    public TestCertificates()
    {
        var request = new CertificateRequest("CN=Test Authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>The authority's own certificate with its key.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>A certificate and its key in PEM, for DNS names, addresses and URIs (told apart by their form).</summary>
    public (string Certificate, string Key) Issue(params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={(names.Length > 0 && !names[0].Contains(':') ? names[0] : "test")}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            if (name.Contains("://", StringComparison.Ordinal)) alternatives.AddUri(new Uri(name));
            else if (IPAddress.TryParse(name, out var address)) alternatives.AddIpAddress(address);
            else alternatives.AddDnsName(name);
        request.CertificateExtensions.Add(alternatives.Build());
        using var issued = request.Create(Authority, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(12));
        return (issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Writes a certificate, its key and the authority as <c>cert.pem</c>, <c>key.pem</c> and <c>root.pem</c>.</summary>
    public void WriteTo(TempFolder folder, params string[] names)
    {
        var (certificate, key) = Issue(names);
        folder.Write("key.pem", key);
        folder.Write("cert.pem", certificate);
        folder.Write("root.pem", Authority.ExportCertificatePem());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Authority.Dispose();
        _key.Dispose();
    }
}
