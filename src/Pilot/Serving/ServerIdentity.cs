using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Hosting.Servers;
using Microsoft.Extensions.Logging;

namespace Lateen.Pilot.Serving;

/// <summary>
/// The certificate by which Pilot serves xDS over TLS: the operator's files, or one that it makes for itself, which encrypts
/// but proves nothing to a client that does not know it. Owned by the server.
/// </summary>
internal sealed class ServerIdentity : IDisposable
{
    private const string MountedFolder = "/etc/certs";
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);
    private readonly string? _ownFolder;

    private ServerIdentity(CertificateFiles files, X509Certificate2Collection? authorities, string? ownFolder) =>
        (Files, Authorities, _ownFolder) = (files, authorities, ownFolder);

    public CertificateFiles Files { get; }

    /// <summary>Who vouches for clients; null when no client is asked.</summary>
    public X509Certificate2Collection? Authorities { get; }

    /// <summary>The files that the options name, those of 1.1's mounted secret where they exist, or a certificate of its own.</summary>
    /// <exception cref="IOException">A file is missing.</exception>
    /// <exception cref="CryptographicException">A file holds no certificate, or not its key.</exception>
    public static ServerIdentity Open(PilotOptions options, ILogger log)
    {
        var mounted = options.CertificateFile == null && File.Exists($"{MountedFolder}/cert-chain.pem") && File.Exists($"{MountedFolder}/key.pem");
        var certificate = mounted ? $"{MountedFolder}/cert-chain.pem" : options.CertificateFile;
        var key = mounted ? $"{MountedFolder}/key.pem" : options.KeyFile;
        var authority = options.AuthorityFile ?? (mounted && File.Exists($"{MountedFolder}/root-cert.pem") ? $"{MountedFolder}/root-cert.pem" : null);
        X509Certificate2Collection? authorities = null;
        if (authority != null)
        {
            authorities = [];
            authorities.ImportFromPemFile(authority);
        }
        if (certificate != null && key != null) return new(new(certificate, key, log), authorities, null);
        // Only its owner may enter the folder.
        var folder = Directory.CreateTempSubdirectory("pilot-discovery-").FullName;
        try
        {
            WriteOwn(folder);
            return new(new(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"), log), authorities, folder);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public void Dispose()
    {
        if (_ownFolder != null && Directory.Exists(_ownFolder)) Directory.Delete(_ownFolder, recursive: true);
    }

    private static void WriteOwn(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=pilot-discovery", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in new[] { "istiod.istio-system.svc", "istiod.istio-system", "istio-pilot.istio-system", "localhost" }) names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now - TimeSpan.FromHours(1), now + Lifetime);
        File.WriteAllText(Path.Combine(folder, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
