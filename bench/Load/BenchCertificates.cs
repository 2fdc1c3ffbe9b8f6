using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Bench.Load;

/// <summary>One authority and one key for everybody, written as PEM files for each proxy to read. Paths are absolute.</summary>
/// <param name="Authority">The authority's certificate.</param>
/// <param name="Certificate">For 127.0.0.1 and the name reviews; servers and clients show it.</param>
/// <param name="Key">Its P-256 key.</param>
/// <param name="Both">Certificate and key in one file, as HAProxy wants them.</param>
internal sealed record BenchCertificates(string Authority, string Certificate, string Key, string Both)
{
    public static BenchCertificates Write(string folder)
    {
        var now = DateTimeOffset.UtcNow;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = new CertificateRequest("CN=reviews", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("reviews");
        names.AddIpAddress(IPAddress.Loopback);
        leaf.CertificateExtensions.Add(names.Build());
        using var certificate = leaf.Create(authority, now.AddHours(-1), now.AddHours(12), RandomNumberGenerator.GetBytes(8));
        var (pem, keyPem) = (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
        return new BenchCertificates(
            File("authority.pem", authority.ExportCertificatePem() + "\n"), File("tls.pem", pem), File("tls.key", keyPem), File("both.pem", pem + keyPem));

        string File(string name, string text)
        {
            var path = Path.Combine(folder, name);
            System.IO.File.WriteAllText(path, text);
            return path;
        }
    }
}

/// <summary>What lies behind every proxy: one server, by three protocols. Immutable.</summary>
/// <param name="Http1">Port of HTTP/1.1.</param>
/// <param name="Http2">Port of HTTP/2 with prior knowledge.</param>
/// <param name="Tls">Port of HTTP/1.1 over TLS, which asks for a certificate of the client.</param>
/// <param name="Certificates">Those of all.</param>
internal sealed record Backends(int Http1, int Http2, int Tls, BenchCertificates Certificates);
