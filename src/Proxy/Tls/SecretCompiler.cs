using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Tls;

/// <summary>TlsCertificate, CertificateValidationContext and ticket keys → what contexts are made of. Pure but for the files that messages name; what is not supported is refused with its path.</summary>
internal static class SecretCompiler
{
    private const int TicketKeyLength = 80;
    private static readonly TlsSettings Probe = new() { IsServer = true };

    public static TlsCertificateMaterial Certificate(TlsCertificate certificate, string path, string name)
    {
        if (certificate.PrivateKeyProvider is not null) throw new ConfigRefusedException(path + ".private_key_provider", "is not supported");
        if (certificate.SignedCertificateTimestamp.Count > 0) throw new ConfigRefusedException(path + ".signed_certificate_timestamp", "is not supported");
        var pkcs12 = Bytes(certificate.Pkcs12, path + ".pkcs12");
        var chain = Bytes(certificate.CertificateChain, path + ".certificate_chain");
        var key = Bytes(certificate.PrivateKey, path + ".private_key");
        if (pkcs12.Length == 0 && chain.Length == 0) throw new ConfigRefusedException(path + ".certificate_chain", "is missing");
        if (pkcs12.Length == 0 && key.Length == 0) throw new ConfigRefusedException(path + ".private_key", "is missing");
        return new TlsCertificateMaterial(
            chain, key, pkcs12, Encoding.UTF8.GetString(Bytes(certificate.Password, path + ".password")), Bytes(certificate.OcspStaple, path + ".ocsp_staple"),
            certificate.CertificateChain?.SpecifierCase == DataSource.SpecifierOneofCase.Filename ? certificate.CertificateChain.Filename : name.Length > 0 ? name : "<inline>");
    }

    public static PeerValidation Validation(CertificateValidationContext context, string path, string name)
    {
        if (context.CaCertificateProviderInstance is not null) throw new ConfigRefusedException(path + ".ca_certificate_provider_instance", "is not supported");
        if (context.CustomValidatorConfig is not null) throw new ConfigRefusedException(path + ".custom_validator_config", $"{context.CustomValidatorConfig.Name} is not supported");
        if (context.RequireSignedCertificateTimestamp is true) throw new ConfigRefusedException(path + ".require_signed_certificate_timestamp", "is not supported");
        var names = new List<NameMatch>();
        for (var i = 0; i < context.MatchTypedSubjectAltNames.Count; i++)
        {
            var (matcher, at) = (context.MatchTypedSubjectAltNames[i], $"{path}.match_typed_subject_alt_names[{i}]");
            names.Add(Name(KindOf(matcher.SanType, at + ".san_type"), matcher.Matcher, at + ".matcher"));
        }
#pragma warning disable CS0612 // The older field is what Istio sends.
        for (var i = 0; i < context.MatchSubjectAltNames.Count; i++) names.Add(Name(NameKind.Any, context.MatchSubjectAltNames[i], $"{path}.match_subject_alt_names[{i}]"));
#pragma warning restore CS0612
        return new PeerValidation
        {
            Trusted = Bytes(context.TrustedCa, path + ".trusted_ca"),
            TrustSystem = context.SystemRootCerts is not null,
            Revocations = Bytes(context.Crl, path + ".crl"),
            RevocationsOfLeafOnly = context.OnlyVerifyLeafCertCrl,
            Names = [.. names],
            Hashes = [.. context.VerifyCertificateHash.Select((hash, i) => Hash(hash.Replace(":", "", StringComparison.Ordinal), hex: true, $"{path}.verify_certificate_hash[{i}]"))],
            KeyHashes = [.. context.VerifyCertificateSpki.Select((hash, i) => Hash(hash, hex: false, $"{path}.verify_certificate_spki[{i}]"))],
            AllowExpired = context.AllowExpiredCertificate,
            AcceptUntrusted = context.TrustChainVerification == CertificateValidationContext.Types.TrustChainVerification.AcceptUntrusted,
            MaxDepth = (int?)context.MaxVerifyDepth ?? -1,
            Source = context.TrustedCa?.SpecifierCase == DataSource.SpecifierOneofCase.Filename ? context.TrustedCa.Filename : name.Length > 0 ? name : "<inline>",
        };
    }

    /// <summary>Checks a certificate by itself, as a listener would use it.</summary>
    /// <exception cref="TlsMaterialException">It is not usable.</exception>
    public static void Check(TlsCertificateMaterial certificate) => TlsNative.Try(Probe, certificate, null);

    /// <inheritdoc cref="Check(TlsCertificateMaterial)"/>
    public static void Check(PeerValidation validation) => TlsNative.Try(Probe, null, validation);

    /// <summary>The key that tickets are made with: name, HMAC key and AES key in 80 bytes.</summary>
    public static byte[] TicketKeys(TlsSessionTicketKeys keys, string path)
    {
        // libssl takes one key for a context; older ones only make their tickets void, which costs a full handshake.
        if (keys.Keys.Count == 0) throw new ConfigRefusedException(path + ".keys", "is empty");
        for (var i = 0; i < keys.Keys.Count; i++)
            if (Bytes(keys.Keys[i], $"{path}.keys[{i}]").Length != TicketKeyLength)
                throw new ConfigRefusedException($"{path}.keys[{i}]", $"must be {TicketKeyLength} bytes long");
        return Bytes(keys.Keys[0], path + ".keys[0]");
    }

    /// <summary>The files that a secret names.</summary>
    public static IEnumerable<string> FilesOf(Secret secret)
    {
        DataSource?[] sources = secret.TypeCase switch
        {
            Secret.TypeOneofCase.TlsCertificate => [secret.TlsCertificate.CertificateChain, secret.TlsCertificate.PrivateKey, secret.TlsCertificate.Pkcs12, secret.TlsCertificate.OcspStaple],
            Secret.TypeOneofCase.ValidationContext => [secret.ValidationContext.TrustedCa, secret.ValidationContext.Crl],
            Secret.TypeOneofCase.SessionTicketKeys => [.. secret.SessionTicketKeys.Keys],
            _ => [],
        };
        return sources.OfType<DataSource>().Where(source => source.SpecifierCase == DataSource.SpecifierOneofCase.Filename).Select(source => source.Filename);
    }

    /// <summary>The bytes that a source stands for; empty when there is none.</summary>
    private static byte[] Bytes(DataSource? source, string path)
    {
        switch (source?.SpecifierCase)
        {
            case null or DataSource.SpecifierOneofCase.None:
                return [];
            case DataSource.SpecifierOneofCase.InlineBytes:
                return source.InlineBytes.ToByteArray();
            case DataSource.SpecifierOneofCase.InlineString:
                return Encoding.UTF8.GetBytes(source.InlineString);
            case DataSource.SpecifierOneofCase.EnvironmentVariable:
                return Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(source.EnvironmentVariable)
                    ?? throw new ConfigRefusedException(path + ".environment_variable", $"{source.EnvironmentVariable} is not set"));
            default:
                try
                {
                    return File.ReadAllBytes(source.Filename);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    throw new ConfigRefusedException(path + ".filename", e.Message);
                }
        }
    }

    private static NameMatch Name(NameKind kind, Envoy.Type.Matcher.V3.StringMatcher matcher, string path) => new(
        kind, StringMatch.From(matcher, path), matcher.MatchPatternCase == Envoy.Type.Matcher.V3.StringMatcher.MatchPatternOneofCase.Exact ? matcher.Exact : "");

    private static NameKind KindOf(SubjectAltNameMatcher.Types.SanType type, string path) => type switch
    {
        SubjectAltNameMatcher.Types.SanType.Email => NameKind.Email,
        SubjectAltNameMatcher.Types.SanType.Dns => NameKind.Dns,
        SubjectAltNameMatcher.Types.SanType.Uri => NameKind.Uri,
        SubjectAltNameMatcher.Types.SanType.IpAddress => NameKind.Address,
        _ => throw new ConfigRefusedException(path, $"{type} is not supported"),
    };

    private static byte[] Hash(string text, bool hex, string path)
    {
        try
        {
            var bytes = hex ? Convert.FromHexString(text) : Convert.FromBase64String(text);
            return bytes.Length == 32 ? bytes : throw new ConfigRefusedException(path, "is not a SHA-256 hash");
        }
        catch (FormatException)
        {
            throw new ConfigRefusedException(path, "is not a SHA-256 hash");
        }
    }
}
