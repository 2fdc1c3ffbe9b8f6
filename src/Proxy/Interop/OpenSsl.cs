using System.Runtime.InteropServices;

namespace Lateen.Proxy.Interop;

/// <summary>
/// The functions of libssl and libcrypto 3 that the engine uses. Blittable arguments only. Macros of OpenSSL's headers are
/// spelt out as the control calls that they stand for. Source: the manual pages of OpenSSL 3.0.
/// </summary>
internal static unsafe partial class OpenSsl
{
    private const string Ssl = "libssl.so.3", Crypto = "libcrypto.so.3";

    public const int ErrorNone = 0, ErrorSsl = 1, ErrorWantRead = 2, ErrorWantWrite = 3, ErrorSyscall = 5, ErrorZeroReturn = 6;
    public const int VerifyNone = 0, VerifyPeer = 1, VerifyFailIfNoPeerCert = 2;
    public const int Tls10 = 0x301, Tls11 = 0x302, Tls12 = 0x303, Tls13 = 0x304;
    public const int AlertFatal = 2, TlsExtErrOk = 0, TlsExtErrAlertFatal = 2, TlsExtErrNoAck = 3;
    public const int AlpnNegotiated = 1, AlpnNoOverlap = 2;
    public const ulong OptionNoTicket = 1 << 14, OptionServerPreference = 1 << 22, OptionNoRenegotiation = 1 << 30, OptionNoCompression = 1 << 17;
    public const int SessionCacheOff = 0, SessionCacheClient = 1, SessionCacheServer = 2, SessionCacheNoInternalStore = 0x200;
    public const int VerifyOk = 0, VerifyErrorUnspecified = 1, VerifyErrorApplication = 50;
    public const nuint VerifyCrlCheck = 4, VerifyCrlCheckAll = 8, VerifyPartialChain = 0x80000, VerifyNoCheckTime = 0x200000;

    private const int CtrlMode = 33, CtrlSetReadAhead = 41, CtrlSessionCacheSize = 42, CtrlSessionCacheMode = 44, CtrlMinVersion = 123, CtrlMaxVersion = 124, CtrlServerNameArgument = 54,
        CtrlServerNameCallback = 53, CtrlTicketKeys = 59, CtrlChainCertificate = 89, CtrlHostName = 55, CtrlOcspCallback = 63, CtrlOcspResponse = 71, CtrlSetGroupsList = 92,
        CtrlSignatureAlgorithms = 98;
    private const int ModePartialWrite = 1, ModeMovingBuffer = 2, ModeReleaseBuffers = 16;

    [LibraryImport(Ssl, EntryPoint = "TLS_server_method")]
    public static partial nint ServerMethod();

    [LibraryImport(Ssl, EntryPoint = "TLS_client_method")]
    public static partial nint ClientMethod();

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_new")]
    public static partial nint ContextNew(nint method);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_free")]
    public static partial void ContextFree(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_ctrl")]
    private static partial nint ContextControl(nint context, int command, nint number, void* pointer);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_callback_ctrl")]
    private static partial nint ContextCallbackControl(nint context, int command, void* callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_options")]
    public static partial ulong ContextSetOptions(nint context, ulong options);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_cipher_list")]
    public static partial int ContextSetCiphers(nint context, byte* list);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_ciphersuites")]
    public static partial int ContextSetSuites(nint context, byte* list);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_use_certificate")]
    public static partial int ContextUseCertificate(nint context, nint certificate);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_use_PrivateKey")]
    public static partial int ContextUsePrivateKey(nint context, nint key);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_check_private_key")]
    public static partial int ContextCheckPrivateKey(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_get_cert_store")]
    public static partial nint ContextStore(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_verify")]
    public static partial void ContextSetVerify(nint context, int mode, nint callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_verify_depth")]
    public static partial void ContextSetVerifyDepth(nint context, int depth);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_cert_verify_callback")]
    public static partial void ContextSetVerifyCallback(nint context, delegate* unmanaged<nint, nint, int> callback, nint argument);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_alpn_select_cb")]
    public static partial void ContextSetAlpnSelect(nint context, delegate* unmanaged<nint, byte**, byte*, byte*, uint, nint, int> callback, nint argument);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_alpn_protos")]
    public static partial int ContextSetAlpnProtocols(nint context, byte* list, uint length);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_sess_set_new_cb")]
    public static partial void ContextSetNewSession(nint context, delegate* unmanaged<nint, nint, int> callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_session_id_context")]
    public static partial int ContextSetSessionIdContext(nint context, byte* id, uint length);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_timeout")]
    public static partial nint ContextSetTimeout(nint context, nint seconds);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_num_tickets")]
    public static partial int ContextSetTickets(nint context, nuint count);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_add_client_CA")]
    public static partial int ContextAddClientAuthority(nint context, nint certificate);

    [LibraryImport(Ssl, EntryPoint = "SSL_select_next_proto")]
    public static partial int SelectProtocol(byte** chosen, byte* length, byte* server, uint serverLength, byte* client, uint clientLength);

    [LibraryImport(Ssl, EntryPoint = "SSL_new")]
    public static partial nint New(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_free")]
    public static partial void Free(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_ctrl")]
    private static partial nint Control(nint ssl, int command, nint number, void* pointer);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_bio")]
    public static partial void SetBio(nint ssl, nint read, nint write);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_accept_state")]
    public static partial void SetAccept(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_connect_state")]
    public static partial void SetConnect(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_SSL_CTX")]
    public static partial nint SetContext(nint ssl, nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_alpn_protos")]
    public static partial int SetAlpnProtocols(nint ssl, byte* list, uint length);

    [LibraryImport(Ssl, EntryPoint = "SSL_do_handshake")]
    public static partial int Handshake(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_read")]
    public static partial int Read(nint ssl, byte* target, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_peek")]
    public static partial int Peek(nint ssl, byte* target, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_write")]
    public static partial int Write(nint ssl, byte* source, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_shutdown")]
    public static partial int Shutdown(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_error")]
    public static partial int GetError(nint ssl, int result);

    [LibraryImport(Ssl, EntryPoint = "SSL_has_pending")]
    [SuppressGCTransition]
    public static partial int HasPending(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_is_init_finished")]
    [SuppressGCTransition]
    public static partial int IsHandshakeDone(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_version")]
    public static partial int Version(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_current_cipher")]
    public static partial nint CurrentCipher(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_CIPHER_get_name")]
    public static partial byte* CipherName(nint cipher);

    [LibraryImport(Ssl, EntryPoint = "SSL_get0_alpn_selected")]
    public static partial void SelectedProtocol(nint ssl, byte** data, uint* length);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_servername")]
    public static partial byte* ServerName(nint ssl, int type);

    [LibraryImport(Ssl, EntryPoint = "SSL_session_reused")]
    public static partial int SessionReused(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_session")]
    public static partial nint Session(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_session")]
    public static partial int SetSession(nint ssl, nint session);

    [LibraryImport(Ssl, EntryPoint = "SSL_SESSION_get_id")]
    public static partial byte* SessionId(nint session, uint* length);

    [LibraryImport(Ssl, EntryPoint = "SSL_SESSION_free")]
    public static partial void SessionFree(nint session);

    [LibraryImport(Ssl, EntryPoint = "SSL_SESSION_is_resumable")]
    public static partial int SessionIsResumable(nint session);

    [LibraryImport(Ssl, EntryPoint = "SSL_get0_peer_certificate")]
    public static partial nint PeerCertificate(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_certificate")]
    public static partial nint OwnCertificate(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_verify_result")]
    public static partial nint VerifyResult(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_rbio")]
    public static partial nint ReadBio(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_ex_data_X509_STORE_CTX_idx")]
    public static partial int StoreContextIndex();

    [LibraryImport(Crypto, EntryPoint = "ERR_get_error")]
    public static partial nuint NextError();

    [LibraryImport(Crypto, EntryPoint = "ERR_clear_error")]
    public static partial void ClearErrors();

    [LibraryImport(Crypto, EntryPoint = "ERR_reason_error_string")]
    public static partial byte* ErrorReason(nuint error);

    [LibraryImport(Crypto, EntryPoint = "CRYPTO_free")]
    private static partial void CryptoFree(void* memory, byte* file, int line);

    [LibraryImport(Crypto, EntryPoint = "CRYPTO_malloc")]
    private static partial void* CryptoAlloc(nuint length, byte* file, int line);

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_new")]
    public static partial nint BioMethodNew(int type, byte* name);

    [LibraryImport(Crypto, EntryPoint = "BIO_get_new_index")]
    public static partial int BioNewIndex();

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_set_read")]
    public static partial int BioMethodSetRead(nint method, delegate* unmanaged<nint, byte*, int, int> read);

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_set_write")]
    public static partial int BioMethodSetWrite(nint method, delegate* unmanaged<nint, byte*, int, int> write);

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_set_ctrl")]
    public static partial int BioMethodSetControl(nint method, delegate* unmanaged<nint, int, nint, void*, nint> control);

    [LibraryImport(Crypto, EntryPoint = "BIO_new")]
    public static partial nint BioNew(nint method);

    [LibraryImport(Crypto, EntryPoint = "BIO_set_init")]
    public static partial void BioSetInit(nint bio, int init);

    [LibraryImport(Crypto, EntryPoint = "BIO_set_data")]
    public static partial void BioSetData(nint bio, void* data);

    [LibraryImport(Crypto, EntryPoint = "BIO_get_data")]
    [SuppressGCTransition]
    public static partial void* BioData(nint bio);

    [LibraryImport(Crypto, EntryPoint = "BIO_set_flags")]
    [SuppressGCTransition]
    public static partial void BioSetFlags(nint bio, int flags);

    [LibraryImport(Crypto, EntryPoint = "BIO_clear_flags")]
    [SuppressGCTransition]
    public static partial void BioClearFlags(nint bio, int flags);

    [LibraryImport(Crypto, EntryPoint = "BIO_new_mem_buf")]
    public static partial nint BioNewMemory(byte* data, int length);

    [LibraryImport(Crypto, EntryPoint = "BIO_free")]
    public static partial int BioFree(nint bio);

    [LibraryImport(Crypto, EntryPoint = "PEM_read_bio_X509")]
    public static partial nint PemReadCertificate(nint bio, nint reuse, nint callback, byte* password);

    [LibraryImport(Crypto, EntryPoint = "PEM_read_bio_PrivateKey")]
    public static partial nint PemReadKey(nint bio, nint reuse, nint callback, byte* password);

    [LibraryImport(Crypto, EntryPoint = "PEM_read_bio_X509_CRL")]
    public static partial nint PemReadRevocations(nint bio, nint reuse, nint callback, byte* password);

    [LibraryImport(Crypto, EntryPoint = "d2i_PKCS12_bio")]
    public static partial nint Pkcs12Read(nint bio, nint reuse);

    [LibraryImport(Crypto, EntryPoint = "PKCS12_parse")]
    public static partial int Pkcs12Parse(nint pkcs12, byte* password, nint* key, nint* certificate, nint* chain);

    [LibraryImport(Crypto, EntryPoint = "PKCS12_free")]
    public static partial void Pkcs12Free(nint pkcs12);

    [LibraryImport(Crypto, EntryPoint = "OPENSSL_sk_num")]
    public static partial int StackCount(nint stack);

    [LibraryImport(Crypto, EntryPoint = "OPENSSL_sk_value")]
    public static partial nint StackItem(nint stack, int index);

    [LibraryImport(Crypto, EntryPoint = "OPENSSL_sk_free")]
    public static partial void StackFree(nint stack);

    [LibraryImport(Crypto, EntryPoint = "X509_free")]
    public static partial void CertificateFree(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_CRL_free")]
    public static partial void RevocationsFree(nint crl);

    [LibraryImport(Crypto, EntryPoint = "EVP_PKEY_free")]
    public static partial void KeyFree(nint key);

    [LibraryImport(Crypto, EntryPoint = "i2d_X509")]
    public static partial int CertificateToDer(nint certificate, byte** target);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_add_cert")]
    public static partial int StoreAddCertificate(nint store, nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_add_crl")]
    public static partial int StoreAddRevocations(nint store, nint crl);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_set_flags")]
    public static partial int StoreSetFlags(nint store, nuint flags);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_set_default_paths")]
    public static partial int StoreSetDefaultPaths(nint store);

    [LibraryImport(Crypto, EntryPoint = "X509_verify_cert")]
    public static partial int VerifyCertificate(nint storeContext);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_CTX_get0_cert")]
    public static partial nint StoreContextCertificate(nint storeContext);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_CTX_get_error")]
    public static partial int StoreContextError(nint storeContext);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_CTX_set_error")]
    public static partial void StoreContextSetError(nint storeContext, int error);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_CTX_get_ex_data")]
    public static partial nint StoreContextData(nint storeContext, int index);

    [LibraryImport(Crypto, EntryPoint = "X509_verify_cert_error_string")]
    public static partial byte* VerifyErrorText(nint error);

    public static void ContextSetModes(nint context) => ContextControl(context, CtrlMode, ModePartialWrite | ModeMovingBuffer | ModeReleaseBuffers, null);

    public static void ContextReadAhead(nint context) => ContextControl(context, CtrlSetReadAhead, 1, null);

    public static void ContextSessionCache(nint context, int mode) => ContextControl(context, CtrlSessionCacheMode, mode, null);

    public static void ContextSessionCacheSize(nint context, int count) => ContextControl(context, CtrlSessionCacheSize, count, null);

    public static bool ContextVersions(nint context, int from, int to) => ContextControl(context, CtrlMinVersion, from, null) == 1 && ContextControl(context, CtrlMaxVersion, to, null) == 1;

    /// <summary>Adds a certificate to the chain of the one that was added last; the context takes its own reference.</summary>
    public static bool ContextAddChain(nint context, nint certificate) => ContextControl(context, CtrlChainCertificate, 1, (void*)certificate) == 1;

    public static bool ContextGroups(nint context, byte* list) => ContextControl(context, CtrlSetGroupsList, 0, list) == 1;

    public static bool ContextSignatureAlgorithms(nint context, byte* list) => ContextControl(context, CtrlSignatureAlgorithms, 0, list) == 1;

    public static bool ContextTicketKeys(nint context, byte* keys, int length) => ContextControl(context, CtrlTicketKeys, length, keys) == 1;

    public static void ContextServerName(nint context, delegate* unmanaged<nint, int*, nint, int> callback, nint argument)
    {
        ContextCallbackControl(context, CtrlServerNameCallback, callback);
        ContextControl(context, CtrlServerNameArgument, 0, (void*)argument);
    }

    public static void ContextOcsp(nint context, delegate* unmanaged<nint, nint, int> callback, nint argument)
    {
        ContextCallbackControl(context, CtrlOcspCallback, callback);
        ContextControl(context, CtrlOcspCallback + 1, 0, (void*)argument);
    }

    /// <summary>Sets the staple of this handshake; OpenSSL keeps and frees the copy that is made here.</summary>
    public static void SetOcspResponse(nint ssl, ReadOnlySpan<byte> response)
    {
        var copy = (byte*)CryptoAlloc((nuint)response.Length, null, 0);
        if (copy is null) return;
        response.CopyTo(new Span<byte>(copy, response.Length));
        Control(ssl, CtrlOcspResponse, response.Length, copy);
    }

    public static bool SetServerName(nint ssl, byte* name) => Control(ssl, CtrlHostName, 0, name) == 1;

    /// <summary>The DER form of a certificate.</summary>
    public static byte[] Der(nint certificate)
    {
        var length = CertificateToDer(certificate, null);
        if (length <= 0) return [];
        var der = new byte[length];
        fixed (byte* at = der)
        {
            var target = at;
            CertificateToDer(certificate, &target);
        }
        return der;
    }

    public static void FreeStack(nint stack, bool certificates)
    {
        if (stack == 0) return;
        for (var i = StackCount(stack) - 1; certificates && i >= 0; i--) CertificateFree(StackItem(stack, i));
        StackFree(stack);
    }

    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
