using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Lateen.Hosting.Servers;

/// <summary>
/// A server's certificate and key in PEM files, read again when they change: when a connection comes in and a second has
/// passed since the last look. Files that cannot be used leave the previous certificate in place. Any thread.
/// </summary>
public sealed partial class CertificateFiles
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private X509Certificate2 _current;
    private string _fingerprint;
    private long _lookedAt;

    /// <summary>Reads the files.</summary>
    /// <exception cref="IOException">A file is missing.</exception>
    /// <exception cref="CryptographicException">The files hold no certificate with its key.</exception>
    public CertificateFiles(string certificatePath, string keyPath, ILogger log, TimeProvider? time = null)
    {
        (_certificatePath, _keyPath, _log, _time) = (certificatePath, keyPath, log, time ?? TimeProvider.System);
        _fingerprint = Fingerprint();
        _current = Load(out var chain);
        Chain = chain;
        _lookedAt = _time.GetTimestamp();
    }

    /// <summary>The certificates between the server's and a root, as the certificate file has them.</summary>
    public X509Certificate2Collection Chain { get; private set; }

    /// <summary>The certificate with its key, as of about now.</summary>
    public X509Certificate2 Current
    {
        get
        {
            lock (_gate)
            {
                if (_time.GetElapsedTime(_lookedAt) < LookInterval) return _current;
                _lookedAt = _time.GetTimestamp();
                Reload();
                return _current;
            }
        }
    }

    private void Reload()
    {
        try
        {
            var fingerprint = Fingerprint();
            if (fingerprint == _fingerprint) return;
            // Handshakes in flight may still use the old certificate: the collector frees it.
            _current = Load(out var chain);
            Chain = chain;
            _fingerprint = fingerprint;
            Reloaded(_log, _certificatePath, _current.NotAfter.ToUniversalTime());
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            ReloadFailed(_log, _certificatePath, e.Message);
        }
    }

    private X509Certificate2 Load(out X509Certificate2Collection chain)
    {
        var pem = File.ReadAllText(_certificatePath);
        chain = [];
        chain.ImportFromPem(pem);
        if (chain.Count > 0) chain.RemoveAt(0);
        return X509Certificate2.CreateFromPem(pem, File.ReadAllText(_keyPath));
    }

    /// <summary>Content, not times: a mounted volume swaps a link, and two writes may share a tick.</summary>
    private string Fingerprint() =>
        Convert.ToHexString(SHA256.HashData([.. SHA256.HashData(File.ReadAllBytes(_certificatePath)), .. SHA256.HashData(File.ReadAllBytes(_keyPath))]));

    [LoggerMessage(Level = LogLevel.Information, Message = "certificate {Path} was read again, valid until {Until:u}")]
    private static partial void Reloaded(ILogger log, string path, DateTime until);

    [LoggerMessage(Level = LogLevel.Warning, Message = "certificate {Path} changed and cannot be used, the previous one stays: {Reason}")]
    private static partial void ReloadFailed(ILogger log, string path, string reason);
}
