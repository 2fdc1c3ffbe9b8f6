using System.Text;
using Lateen.Proxy.Interop;

namespace Lateen.Proxy.Tls;

/// <summary>Puts certificates, keys, trust and lists into an SSL_CTX. Stateless; what cannot be used is refused with the reason.</summary>
internal static unsafe class TlsMaterial
{
    /// <summary>TLS 1.3 suites in BoringSSL's order: 128 bits first, which costs least.</summary>
    private static ReadOnlySpan<byte> Suites => "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256\0"u8;

    /// <summary>The first certificate of a chain.</summary>
    public static CertificateFacts Leaf(TlsCertificateMaterial material)
    {
        var certificates = material.Pkcs12.Length > 0 ? [Open(material).Certificate] : ReadCertificates(material.Chain, "certificate_chain");
        var facts = new CertificateFacts(OpenSsl.Der(certificates[0]));
        foreach (var certificate in certificates) OpenSsl.CertificateFree(certificate);
        return facts;
    }

    public static void Use(nint context, TlsCertificateMaterial material)
    {
        List<nint> chain;
        nint key;
        if (material.Pkcs12.Length > 0)
        {
            var (certificate, opened, rest) = Open(material);
            (chain, key) = ([certificate, .. rest], opened);
        }
        else
        {
            chain = ReadCertificates(material.Chain, "certificate_chain");
            key = ReadKey(material);
        }
        try
        {
            if (OpenSsl.ContextUseCertificate(context, chain[0]) != 1) throw new TlsMaterialException("the certificate is not usable: " + TlsErrors.First());
            if (OpenSsl.ContextUsePrivateKey(context, key) != 1 || OpenSsl.ContextCheckPrivateKey(context) != 1)
                throw new TlsMaterialException("the private key does not belong to the certificate: " + TlsErrors.First());
            for (var i = 1; i < chain.Count; i++)
                if (!OpenSsl.ContextAddChain(context, chain[i]))
                    throw new TlsMaterialException("an intermediate certificate is not usable: " + TlsErrors.First());
        }
        finally
        {
            OpenSsl.KeyFree(key);
            foreach (var certificate in chain) OpenSsl.CertificateFree(certificate);
        }
    }

    public static void SetTrust(nint context, PeerValidation validation, bool isServer)
    {
        var store = OpenSsl.ContextStore(context);
        if (validation.TrustSystem) _ = OpenSsl.StoreSetDefaultPaths(store);
        if (validation.Trusted.Length > 0)
            foreach (var certificate in ReadCertificates(validation.Trusted, "trusted_ca"))
            {
                _ = OpenSsl.StoreAddCertificate(store, certificate);
                if (isServer) _ = OpenSsl.ContextAddClientAuthority(context, certificate);
                OpenSsl.CertificateFree(certificate);
            }
        // An intermediate may be trusted without its root, as Envoy has it.
        var flags = OpenSsl.VerifyPartialChain | (validation.AllowExpired ? OpenSsl.VerifyNoCheckTime : 0);
        if (validation.Revocations.Length > 0)
        {
            AddRevocations(store, validation.Revocations);
            flags |= OpenSsl.VerifyCrlCheck | (validation.RevocationsOfLeafOnly ? 0 : OpenSsl.VerifyCrlCheckAll);
        }
        _ = OpenSsl.StoreSetFlags(store, flags);
        OpenSsl.ClearErrors();
    }

    public static void SetLists(nint context, TlsSettings settings)
    {
        fixed (byte* suites = Suites) _ = OpenSsl.ContextSetSuites(context, suites);
        foreach (var cipher in settings.Ciphers.Split(':', StringSplitOptions.RemoveEmptyEntries))
            fixed (byte* one = Text(cipher))
                if (OpenSsl.ContextSetCiphers(context, one) != 1)
                    throw new TlsMaterialException($"the cipher suite {cipher} is not known: {TlsErrors.First()}");
        fixed (byte* all = Text(settings.Ciphers.Length > 0 ? settings.Ciphers : TlsSettings.DefaultCiphers)) _ = OpenSsl.ContextSetCiphers(context, all);
        fixed (byte* groups = Text(settings.Groups))
            if (!OpenSsl.ContextGroups(context, groups))
                throw new TlsMaterialException($"the curves {settings.Groups} are not known: {TlsErrors.First()}");
        if (settings.SignatureAlgorithms.Length == 0) return;
        fixed (byte* algorithms = Text(settings.SignatureAlgorithms))
            if (!OpenSsl.ContextSignatureAlgorithms(context, algorithms))
                throw new TlsMaterialException($"the signature algorithms {settings.SignatureAlgorithms} are not known: {TlsErrors.First()}");
    }

    /// <summary>All certificates of a PEM text; at least one.</summary>
    private static List<nint> ReadCertificates(byte[] pem, string what)
    {
        var certificates = new List<nint>();
        fixed (byte* at = pem)
        {
            var bio = OpenSsl.BioNewMemory(at, pem.Length);
            while (OpenSsl.PemReadCertificate(bio, 0, 0, null) is var certificate and not 0) certificates.Add(certificate);
            OpenSsl.BioFree(bio);
        }
        // Reading ends with "no start line" when there is no more; any other error means that one of them is damaged.
        var reason = TlsErrors.First();
        if (reason == "no start line" && certificates.Count > 0) return certificates;
        foreach (var certificate in certificates) OpenSsl.CertificateFree(certificate);
        throw new TlsMaterialException($"{what} holds no certificate that can be read: {reason}");
    }

    private static nint ReadKey(TlsCertificateMaterial material)
    {
        fixed (byte* at = material.Key, password = Text(material.Password))
        {
            var bio = OpenSsl.BioNewMemory(at, material.Key.Length);
            var key = OpenSsl.PemReadKey(bio, 0, 0, password);
            OpenSsl.BioFree(bio);
            return key != 0 ? key : throw new TlsMaterialException("private_key holds no key that can be read: " + TlsErrors.First());
        }
    }

    private static (nint Certificate, nint Key, List<nint> Others) Open(TlsCertificateMaterial material)
    {
        nint store;
        fixed (byte* at = material.Pkcs12)
        {
            var bio = OpenSsl.BioNewMemory(at, material.Pkcs12.Length);
            store = OpenSsl.Pkcs12Read(bio, 0);
            OpenSsl.BioFree(bio);
        }
        if (store == 0) throw new TlsMaterialException("pkcs12 cannot be read: " + TlsErrors.First());
        nint key, certificate, stack = 0;
        int opened;
        fixed (byte* password = Text(material.Password)) opened = OpenSsl.Pkcs12Parse(store, password, &key, &certificate, &stack);
        OpenSsl.Pkcs12Free(store);
        if (opened != 1 || key == 0 || certificate == 0) throw new TlsMaterialException("pkcs12 cannot be opened: " + TlsErrors.First());
        var rest = new List<nint>();
        for (var i = 0; stack != 0 && i < OpenSsl.StackCount(stack); i++) rest.Add(OpenSsl.StackItem(stack, i));
        OpenSsl.FreeStack(stack, certificates: false);
        return (certificate, key, rest);
    }

    private static void AddRevocations(nint store, byte[] pem)
    {
        var count = 0;
        fixed (byte* at = pem)
        {
            var bio = OpenSsl.BioNewMemory(at, pem.Length);
            for (; OpenSsl.PemReadRevocations(bio, 0, 0, null) is var crl and not 0; count++)
            {
                _ = OpenSsl.StoreAddRevocations(store, crl);
                OpenSsl.RevocationsFree(crl);
            }
            OpenSsl.BioFree(bio);
        }
        if (count == 0) throw new TlsMaterialException("crl holds no revocation list that can be read: " + TlsErrors.First());
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + "\0");
}
