using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.EmbeddedCluster.ApiServer.Identity;

/// <summary>
/// The keys of the cluster, made at the first start and kept in the folder "pki": the certificate authority, the server's and the
/// administrator's certificates, the key that signs service account tokens, the administrator's token. Immutable.
/// </summary>
internal sealed class ClusterKeys : IDisposable
{
    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);
    private static readonly TimeSpan LeafLife = TimeSpan.FromDays(365);

    private readonly string _folder;
    private readonly DateTimeOffset _now;

    private ClusterKeys(string folder, DateTimeOffset now)
    {
        _folder = folder;
        _now = now;
        Authority = LoadAuthority();
        TokenKey = LoadTokenKey();
        AdminToken = Keep("admin.token", () => RandomNumberGenerator.GetHexString(48, true));
        Admin = Leaf("admin", "CN=kubernetes-admin, O=system:masters", [], server: false);
    }

    /// <summary>The certificate authority, with its key.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>PEM text of the authority's certificate.</summary>
    public string AuthorityPem => Authority.ExportCertificatePem();

    /// <summary>Signs service account tokens (P-256).</summary>
    public ECDsa TokenKey { get; }

    /// <summary>Bearer token of the administrator.</summary>
    public string AdminToken { get; }

    /// <summary>Client certificate of the administrator.</summary>
    public X509Certificate2 Admin { get; }

    public static ClusterKeys Load(string folder, TimeProvider clock)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new ClusterKeys(folder, clock.GetUtcNow());
    }

    /// <summary>The server's certificate for these names and addresses; made anew when they changed or it expires soon.</summary>
    public X509Certificate2 Server(IEnumerable<string> names) => Leaf("apiserver", "CN=kube-apiserver", [.. names.Distinct().Order(StringComparer.Ordinal)], server: true);

    /// <summary>Whether a client's certificate was issued by this cluster and is valid.</summary>
    public bool Issued(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return chain.Build(certificate);
    }

    public void Dispose()
    {
        Authority.Dispose();
        Admin.Dispose();
        TokenKey.Dispose();
    }

    private X509Certificate2 LoadAuthority()
    {
        var key = Keep("ca.key", NewKey);
        var text = Keep("ca.crt", () =>
        {
            using var signer = ECDsa.Create();
            signer.ImportFromPem(key);
            var request = new CertificateRequest("CN=kubernetes", signer, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            using var certificate = request.CreateSelfSigned(_now.AddHours(-1), _now + AuthorityLife);
            return certificate.ExportCertificatePem();
        });
        return X509Certificate2.CreateFromPem(text, key);
    }

    private ECDsa LoadTokenKey()
    {
        var key = ECDsa.Create();
        key.ImportFromPem(Keep("sa.key", NewKey));
        return key;
    }

    private X509Certificate2 Leaf(string name, string subject, string[] names, bool server)
    {
        var keyText = Keep(name + ".key", NewKey);
        var path = Path.Combine(_folder, name + ".crt");
        if (File.Exists(path))
        {
            var kept = X509Certificate2.CreateFromPem(File.ReadAllText(path), keyText);
            if (kept.NotAfter > _now.AddDays(30) && NamesOf(kept).SequenceEqual(names)) return kept;
            kept.Dispose();
        }
        using var key = ECDsa.Create();
        key.ImportFromPem(keyText);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Authority, true, false));
        if (names.Length > 0) request.CertificateExtensions.Add(AlternativeNames(names));
        using var issued = request.Create(Authority, _now.AddHours(-1), _now + LeafLife, RandomNumberGenerator.GetBytes(16));
        Write(name + ".crt", issued.ExportCertificatePem());
        return issued.CopyWithPrivateKey(key);
    }

    private static X509Extension AlternativeNames(string[] names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address)) builder.AddIpAddress(address);
            else builder.AddDnsName(name);
        }
        return builder.Build();
    }

    private static IEnumerable<string> NamesOf(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        if (extension is null) return [];
        return extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString())).Order(StringComparer.Ordinal);
    }

    private static string NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private string Keep(string name, Func<string> make)
    {
        var path = Path.Combine(_folder, name);
        if (!File.Exists(path)) Write(name, make());
        return File.ReadAllText(path);
    }

    /// <summary>Writes a file whole or not at all, readable by its owner only.</summary>
    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        var draft = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        using (var file = new FileStream(draft, options))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }
}
