using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Lateen.Proxy.Interop;

namespace Lateen.Proxy.Tls;

/// <summary>
/// The SSL_CTX objects of one context, filled and with their callbacks set: one for each set of names that the certificates
/// are for, the first for clients that ask for none of them. Freed by its finalizer. Immutable, any thread.
/// </summary>
internal sealed unsafe class TlsNative
{
    private readonly List<nint> _contexts = [];
    private readonly List<GCHandle> _handles = [];
    private readonly List<nint> _memory = [];
    private readonly List<(string Name, nint Context)> _names = [];
    private readonly TlsSettings _settings;

    public TlsNative(TlsContext owner, TlsSettings settings, IReadOnlyList<TlsCertificateMaterial> certificates, PeerValidation? validation, byte[]? ticketKeys)
    {
        _settings = settings;
        var groups = new List<(string Names, List<TlsCertificateMaterial> Members)>();
        foreach (var certificate in certificates)
        {
            var leaf = TlsMaterial.Leaf(certificate);
            Leaves.Add(leaf);
            var names = string.Join(',', leaf.DnsNames.Order(StringComparer.Ordinal));
            var group = groups.Find(candidate => candidate.Names == names);
            if (group.Members is null) groups.Add(group = (names, []));
            group.Members.Add(certificate);
        }
        if (groups.Count == 0) groups.Add(("", []));
        foreach (var (names, members) in groups)
        {
            var context = Create(owner, members, validation, ticketKeys);
            foreach (var name in names.Split(',', StringSplitOptions.RemoveEmptyEntries)) _names.Add((name.ToLowerInvariant(), context));
        }
        if (settings.IsServer && (groups.Count > 1 || settings.RequireServerName)) OpenSsl.ContextServerName(Context, &ChooseByName, WeakHandle(this));
    }

    /// <summary>Tries whether a certificate, or what is trusted, is usable.</summary>
    /// <exception cref="TlsMaterialException">It is not.</exception>
    public static void Try(TlsSettings settings, TlsCertificateMaterial? certificate, PeerValidation? validation)
    {
        var context = OpenSsl.ContextNew(OpenSsl.ServerMethod());
        try
        {
            TlsMaterial.SetLists(context, settings);
            if (certificate is not null) TlsMaterial.Use(context, certificate);
            if (validation is not null) TlsMaterial.SetTrust(context, validation, isServer: true);
        }
        finally
        {
            OpenSsl.ContextFree(context);
        }
    }

    /// <summary>The one that connections begin with.</summary>
    public nint Context => _contexts[0];

    public List<CertificateFacts> Leaves { get; } = [];

    ~TlsNative()
    {
        foreach (var context in _contexts) OpenSsl.ContextFree(context);
        foreach (var handle in _handles) handle.Free();
        foreach (var memory in _memory) NativeMemory.Free((void*)memory);
    }

    private nint Create(TlsContext owner, List<TlsCertificateMaterial> certificates, PeerValidation? validation, byte[]? ticketKeys)
    {
        var context = OpenSsl.ContextNew(_settings.IsServer ? OpenSsl.ServerMethod() : OpenSsl.ClientMethod());
        if (context == 0) throw new TlsMaterialException("libssl made no context: " + TlsErrors.First());
        _contexts.Add(context);
        OpenSsl.ContextSetModes(context);
        OpenSsl.ContextReadAhead(context);
        OpenSsl.ContextSetOptions(context, OpenSsl.OptionNoCompression | OpenSsl.OptionNoRenegotiation | (_settings.IsServer && !_settings.PreferClientCiphers ? OpenSsl.OptionServerPreference : 0));
        if (!OpenSsl.ContextVersions(context, _settings.MinVersion, _settings.MaxVersion)) throw new TlsMaterialException("the protocol versions are not supported: " + TlsErrors.First());
        TlsMaterial.SetLists(context, _settings);
        foreach (var certificate in certificates) TlsMaterial.Use(context, certificate);
        Trust(owner, context, validation);
        if (_settings.Protocols.Length > 0)
        {
            var list = Keep(_settings.Protocols);
            if (_settings.IsServer) OpenSsl.ContextSetAlpnSelect(context, &SelectProtocol, (nint)list);
            else _ = OpenSsl.ContextSetAlpnProtocols(context, list->Data, (uint)list->Length);
        }
        if (_settings.IsServer) ServerSessions(context, validation, ticketKeys);
        else if (_settings.KeepSessions)
        {
            OpenSsl.ContextSessionCache(context, OpenSsl.SessionCacheClient | OpenSsl.SessionCacheNoInternalStore);
            OpenSsl.ContextSetNewSession(context, &NewSession);
        }
        else OpenSsl.ContextSessionCache(context, OpenSsl.SessionCacheOff);
        if (certificates.Find(certificate => certificate.OcspStaple.Length > 0) is { } stapled) OpenSsl.ContextOcsp(context, &Staple, (nint)Keep(stapled.OcspStaple));
        return context;
    }

    private void Trust(TlsContext owner, nint context, PeerValidation? validation)
    {
        if (validation is null || !validation.ChecksAnything)
        {
            var required = _settings.IsServer && _settings.RequireClientCertificate;
            var checksName = !_settings.IsServer && _settings.RequireAskedName;
            OpenSsl.ContextSetVerify(context, required ? OpenSsl.VerifyPeer | OpenSsl.VerifyFailIfNoPeerCert : checksName ? OpenSsl.VerifyPeer : OpenSsl.VerifyNone, 0);
            if (required || checksName) OpenSsl.ContextSetVerifyCallback(context, &Verify, WeakHandle(owner));
            return;
        }
        TlsMaterial.SetTrust(context, validation, _settings.IsServer);
        OpenSsl.ContextSetVerify(context, OpenSsl.VerifyPeer | (_settings.IsServer && _settings.RequireClientCertificate ? OpenSsl.VerifyFailIfNoPeerCert : 0), 0);
        if (validation.MaxDepth >= 0) OpenSsl.ContextSetVerifyDepth(context, validation.MaxDepth);
        OpenSsl.ContextSetVerifyCallback(context, &Verify, WeakHandle(owner));
    }

    /// <summary>Sessions may only be taken up under the rules that they were made by: the rules are part of their context's id.</summary>
    private void ServerSessions(nint context, PeerValidation? validation, byte[]? ticketKeys)
    {
        var rules = $"{Convert.ToHexString(validation?.Trusted ?? [])}|{validation?.TrustSystem}|{Convert.ToHexString(validation?.Revocations ?? [])}|{validation?.AcceptUntrusted}|{_settings.RequireClientCertificate}|"
            + string.Join(',', validation?.Names.Select(name => $"{name.Kind}{name.Exact}") ?? []) + string.Join(',', (validation?.Hashes ?? []).Concat(validation?.KeyHashes ?? []).Select(Convert.ToHexString))
            + (validation?.Names.Any(name => name.Exact.Length == 0) == true ? Guid.NewGuid().ToString() : "");
        fixed (byte* id = SHA256.HashData(Encoding.UTF8.GetBytes(rules))) _ = OpenSsl.ContextSetSessionIdContext(context, id, 32);
        OpenSsl.ContextSessionCache(context, _settings.DisableSessionCache ? OpenSsl.SessionCacheOff : OpenSsl.SessionCacheServer);
        if (_settings.DisableTickets)
        {
            OpenSsl.ContextSetOptions(context, OpenSsl.OptionNoTicket);
            if (_settings.DisableSessionCache) _ = OpenSsl.ContextSetTickets(context, 0);
        }
        if (_settings.SessionSeconds > 0) OpenSsl.ContextSetTimeout(context, (nint)_settings.SessionSeconds);
        if (ticketKeys is null) return;
        fixed (byte* keys = ticketKeys)
            if (!OpenSsl.ContextTicketKeys(context, keys, ticketKeys.Length))
                throw new TlsMaterialException("the session ticket key is not usable: " + TlsErrors.First());
    }

    private nint WeakHandle(object target)
    {
        var handle = GCHandle.Alloc(target, GCHandleType.Weak);
        _handles.Add(handle);
        return GCHandle.ToIntPtr(handle);
    }

    private ByteList* Keep(byte[] bytes)
    {
        var list = (ByteList*)NativeMemory.Alloc((nuint)(sizeof(ByteList) + bytes.Length));
        list->Data = (byte*)(list + 1);
        list->Length = bytes.Length;
        bytes.CopyTo(new Span<byte>(list->Data, bytes.Length));
        _memory.Add((nint)list);
        return list;
    }

    /// <summary>Bytes that a callback gets as its argument.</summary>
    private struct ByteList
    {
        public byte* Data;
        public int Length;
    }

    [UnmanagedCallersOnly]
    private static int Verify(nint store, nint argument) => GCHandle.FromIntPtr(argument).Target is TlsContext context ? context.Verify(store) : 0;

    [UnmanagedCallersOnly]
    private static int SelectProtocol(nint ssl, byte** chosen, byte* chosenLength, byte* offered, uint offeredLength, nint argument)
    {
        var list = (ByteList*)argument;
        return OpenSsl.SelectProtocol(chosen, chosenLength, list->Data, (uint)list->Length, offered, offeredLength) == OpenSsl.AlpnNegotiated ? OpenSsl.TlsExtErrOk : OpenSsl.TlsExtErrNoAck;
    }

    [UnmanagedCallersOnly]
    private static int ChooseByName(nint ssl, int* alert, nint argument)
    {
        var name = OpenSsl.ServerName(ssl, 0);
        if (GCHandle.FromIntPtr(argument).Target is not TlsNative self) return OpenSsl.TlsExtErrOk;
        if (name is null)
        {
            if (!self._settings.RequireServerName) return OpenSsl.TlsExtErrNoAck;
            // unrecognized_name (RFC 8446 section 6).
            *alert = 112;
            return OpenSsl.TlsExtErrAlertFatal;
        }
        var asked = OpenSsl.Text(name).ToLowerInvariant();
        foreach (var (candidate, context) in self._names)
            if (PeerVerifier.DnsMatches(candidate, asked))
            {
                OpenSsl.SetContext(ssl, context);
                break;
            }
        return OpenSsl.TlsExtErrOk;
    }

    [UnmanagedCallersOnly]
    private static int Staple(nint ssl, nint argument)
    {
        var list = (ByteList*)argument;
        OpenSsl.SetOcspResponse(ssl, new ReadOnlySpan<byte>(list->Data, list->Length));
        return OpenSsl.TlsExtErrOk;
    }

    /// <summary>A session came for a client connection; 1 takes it over.</summary>
    [UnmanagedCallersOnly]
    private static int NewSession(nint ssl, nint session)
    {
        var io = (TlsIo*)OpenSsl.BioData(OpenSsl.ReadBio(ssl));
        if (io->Owner == 0 || GCHandle.FromIntPtr(io->Owner).Target is not TlsStream stream) return 0;
        stream.KeepSession(session);
        return 1;
    }
}
