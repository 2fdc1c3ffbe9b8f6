using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Tls;

/// <summary>
/// Settings, certificates and trust made ready for connections: an SSL_CTX and what its callbacks need. Connections keep the
/// one that they began with; the last of them lets it go. Immutable but for the sessions that it keeps; any thread.
/// </summary>
internal sealed unsafe class TlsContext
{
    private const int MostSessions = 1024, MostCertificates = 1024;
    private readonly TlsNative _native;
    private readonly TlsSettings _settings;
    private readonly PeerValidation? _validation;
    private readonly byte[] _serverName;
    private readonly Dictionary<(SocketAddress, string), nint> _sessions = [];
    private readonly ConcurrentDictionary<CertificateKey, CertificateFacts> _certificates = new();
    private static readonly ConcurrentDictionary<nint, string> CipherNames = new();

    /// <exception cref="TlsMaterialException">A certificate, key or list is not usable.</exception>
    public TlsContext(TlsSettings settings, IReadOnlyList<TlsCertificateMaterial> certificates, PeerValidation? validation, byte[]? ticketKeys, TlsStats stats)
    {
        (_settings, _validation, Stats) = (settings, validation, stats);
        _serverName = Encoding.UTF8.GetBytes(settings.ServerName + "\0");
        _native = new TlsNative(this, settings, certificates, validation, ticketKeys);
        Certificates = _native.Leaves;
    }

    public TlsStats Stats { get; }

    public bool IsServer => _settings.IsServer;

    public TlsSettings Settings => _settings;

    public PeerValidation? Validation => _validation;

    /// <summary>Our own certificates, the leaves.</summary>
    public IReadOnlyList<CertificateFacts> Certificates { get; }

    /// <summary>Begins a connection; the stream frees what it gets.</summary>
    internal nint Open(TlsStream stream, in TlsPeer peer, TlsIo* io)
    {
        var ssl = OpenSsl.New(_native.Context);
        if (ssl == 0) throw new InvalidOperationException("libssl has no memory for a connection");
        var bio = TlsBio.Create(io);
        OpenSsl.SetBio(ssl, bio, bio);
        if (IsServer)
        {
            OpenSsl.SetAccept(ssl);
            return ssl;
        }
        OpenSsl.SetConnect(ssl);
        var name = peer.ServerName.Length > 0 ? Encoding.UTF8.GetBytes(peer.ServerName + "\0") : _serverName;
        if (name.Length > 1)
            fixed (byte* at = name)
                OpenSsl.SetServerName(ssl, at);
        if (peer.Protocols is { } protocols)
            fixed (byte* at = protocols)
                _ = OpenSsl.SetAlpnProtocols(ssl, at, (uint)protocols.Length);
        if (_settings.KeepSessions)
        {
            io->Owner = GCHandle.ToIntPtr(GCHandle.Alloc(stream));
            lock (_sessions)
                if (_sessions.TryGetValue((peer.Address, peer.ServerName), out var session) && OpenSsl.SessionIsResumable(session) == 1)
                    _ = OpenSsl.SetSession(ssl, session);
        }
        return ssl;
    }

    /// <summary>What a finished handshake told.</summary>
    internal TlsFacts Describe(nint ssl, VerifyOutcome outcome)
    {
        byte* protocol;
        uint length;
        OpenSsl.SelectedProtocol(ssl, &protocol, &length);
        var peer = OpenSsl.PeerCertificate(ssl);
        var own = OpenSsl.OwnCertificate(ssl);
        var resumed = OpenSsl.SessionReused(ssl) == 1;
        uint idLength = 0;
        var id = OpenSsl.Session(ssl) is var session and not 0 ? OpenSsl.SessionId(session, &idLength) : null;
        return new TlsFacts
        {
            Version = OpenSsl.Version(ssl) switch
            {
                OpenSsl.Tls13 => "TLSv1.3",
                OpenSsl.Tls12 => "TLSv1.2",
                OpenSsl.Tls11 => "TLSv1.1",
                _ => "TLSv1",
            },
            Cipher = CipherNames.GetOrAdd(OpenSsl.CurrentCipher(ssl), static cipher => OpenSsl.Text(OpenSsl.CipherName(cipher))),
            ServerName = OpenSsl.ServerName(ssl, 0) is var name && name is not null ? OpenSsl.Text(name) : "",
            Protocol = ProtocolNames.Of(new ReadOnlySpan<byte>(protocol, (int)length)),
            IsResumed = resumed,
            SessionId = idLength > 0 ? Convert.ToHexStringLower(new ReadOnlySpan<byte>(id, (int)idLength)) : "",
            Peer = peer != 0 ? FactsOf(peer) : null,
            // A session that is taken up was verified when it was made, by the same rules: its context says so.
            IsPeerVerified = peer != 0 && (outcome == VerifyOutcome.Verified || resumed && _validation?.ChecksAnything == true && OpenSsl.VerifyResult(ssl) == OpenSsl.VerifyOk),
            Local = own != 0 ? FactsOf(own) : null,
        };
    }

    /// <summary>The verify callback of a handshake on this thread: chain, then names and pins. 1 to accept.</summary>
    internal int Verify(nint store)
    {
        var stream = TlsStream.Current;
        var rules = _validation ?? new PeerValidation();
        var chainError = 0;
        if (rules.HasTrust && OpenSsl.VerifyCertificate(store) != 1)
        {
            OpenSsl.ClearErrors();
            chainError = OpenSsl.StoreContextError(store) is var told and not 0 ? told : OpenSsl.VerifyErrorUnspecified;
        }
        var certificate = FactsOf(OpenSsl.StoreContextCertificate(store));
        var required = stream?.Peer.RequiredName ?? "";
        if (required.Length == 0 && _settings.RequireAskedName) required = stream?.Peer.ServerName is { Length: > 0 } asked ? asked : _settings.ServerName;
        var outcome = chainError != 0 ? VerifyOutcome.BadChain : PeerVerifier.Check(rules, certificate, required);
        if (outcome is VerifyOutcome.BadChain or VerifyOutcome.BadName or VerifyOutcome.BadHash && rules.AcceptUntrusted)
        {
            outcome = VerifyOutcome.Untrusted;
            OpenSsl.StoreContextSetError(store, OpenSsl.VerifyErrorApplication);
        }
        else OpenSsl.StoreContextSetError(store, outcome is VerifyOutcome.Verified or VerifyOutcome.None ? OpenSsl.VerifyOk : chainError != 0 ? chainError : OpenSsl.VerifyErrorApplication);
        if (stream is not null) stream.Outcome = outcome;
        return outcome is VerifyOutcome.Verified or VerifyOutcome.None or VerifyOutcome.Untrusted ? 1 : 0;
    }

    /// <summary>Keeps a session for the next connection to the same host, and owns it from now on.</summary>
    internal void Keep(in TlsPeer peer, nint session)
    {
        nint before;
        lock (_sessions)
        {
            var key = (peer.Address, peer.ServerName);
            if (!_sessions.TryGetValue(key, out before) && _sessions.Count >= MostSessions)
            {
                var any = _sessions.First();
                _sessions.Remove(any.Key);
                before = any.Value;
            }
            _sessions[key] = session;
        }
        if (before != 0) OpenSsl.SessionFree(before);
    }

    /// <summary>The facts of a certificate; the same object for all connections that show it.</summary>
    private CertificateFacts FactsOf(nint certificate)
    {
        var key = new CertificateKey(OpenSsl.Der(certificate));
        if (_certificates.TryGetValue(key, out var known)) return known;
        if (_certificates.Count >= MostCertificates) _certificates.Clear();
        return _certificates.GetOrAdd(key, new CertificateFacts(key.Der));
    }

    ~TlsContext()
    {
        foreach (var session in _sessions.Values) OpenSsl.SessionFree(session);
    }

    /// <summary>DER bytes as a key of a dictionary.</summary>
    private readonly struct CertificateKey(byte[] der) : IEquatable<CertificateKey>
    {
        public byte[] Der => der;

        public bool Equals(CertificateKey other) => der.AsSpan().SequenceEqual(other.Der);

        public override bool Equals(object? obj) => obj is CertificateKey other && Equals(other);

        /// <summary>The end of a certificate is its signature: as good as a hash.</summary>
        public override int GetHashCode() => der.Length < 8 ? 0 : BitConverter.ToInt32(der, der.Length - 8);
    }
}

/// <summary>Certificates, keys or lists that cannot be used; the message says which and why. Only used while configuration is compiled.</summary>
internal sealed class TlsMaterialException(string problem) : Exception(problem);

/// <summary>Protocol names as strings, the common ones without making a new one.</summary>
internal static class ProtocolNames
{
    public static string Of(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("h2"u8) ? "h2" : name.SequenceEqual("http/1.1"u8) ? "http/1.1" : name.IsEmpty ? "" : Encoding.Latin1.GetString(name);
}
