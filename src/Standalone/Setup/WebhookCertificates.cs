using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Standalone.Setup;

/// <summary>A certificate authority of the mesh's own, and the server certificate of its webhooks. P-256, ten years and one.</summary>
internal static class WebhookCertificates
{
    private static readonly string[] Names =
    [
        "istio-sidecar-injector.istio-system.svc", "istio-sidecar-injector.istio-system.svc.cluster.local", "istio-galley.istio-system.svc", "istio-galley.istio-system.svc.cluster.local",
        "localhost",
    ];

    /// <summary>Makes ca.crt, tls.crt and tls.key unless they are there.</summary>
    public static void Ensure(string folder, string nodeAddress)
    {
        if (File.Exists(Path.Combine(folder, "tls.key"))) return;
        Directory.CreateDirectory(folder);
        var now = DateTimeOffset.UtcNow.AddMinutes(-5);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=lateen-webhook-ca", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        using var root = authority.CreateSelfSigned(now, now.AddYears(10));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest("CN=lateen-webhooks", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in Names) names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Parse(nodeAddress));
        server.CertificateExtensions.Add(names.Build());
        server.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var certificate = server.Create(root, now, now.AddYears(1), RandomNumberGenerator.GetBytes(16));
        File.WriteAllText(Path.Combine(folder, "ca.crt"), root.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(Path.Combine(folder, "tls.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>The authority, as a webhook configuration's caBundle.</summary>
    public static string CaBundle(string folder) => Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, "ca.crt")));
}
