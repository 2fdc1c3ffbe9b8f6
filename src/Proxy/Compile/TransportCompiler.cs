using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.ProxyProtocol.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Api;
using Lateen.Proxy.Interop;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Tls;
using Microsoft.Extensions.Logging;

namespace Lateen.Proxy.Compile;

/// <summary>TransportSocket → what connections are made of, down- and upstream. What is not supported is refused with its path.</summary>
internal sealed class TransportCompiler(StatsStore stats, SecretStore secrets, ILogger log)
{
    /// <summary>The TLS of a filter chain; null for plain bytes.</summary>
    public TlsContextState? Downstream(TransportSocket? socket, string path, string statPrefix)
    {
        if (socket is null || IsRaw(socket)) return null;
        var at = path + ".typed_config";
        if (socket.TypedConfig?.TryRead<DownstreamTlsContext>(out var tls) != true) throw new ConfigRefusedException(path, $"{socket.Name} ({socket.TypedConfig?.TypeUrl}) is not supported");
        if (tls.OcspStaplePolicy != DownstreamTlsContext.Types.OcspStaplePolicy.LenientStapling) throw new ConfigRefusedException(at + ".ocsp_staple_policy", $"{tls.OcspStaplePolicy} is not supported");
        var common = tls.CommonTlsContext ?? new CommonTlsContext();
        var sources = Sources(common, at + ".common_tls_context");
        if (sources.Certificates.Length == 0 && sources.CertificateSlots.Length == 0)
            throw new ConfigRefusedException(at + ".common_tls_context.tls_certificates", "no certificate is given: a server must have one");
        var settings = Settings(common, at + ".common_tls_context", isServer: true) with
        {
            RequireClientCertificate = tls.RequireClientCertificate is true,
            RequireServerName = tls.RequireSni is true,
            DisableTickets = tls.SessionTicketKeysTypeCase == DownstreamTlsContext.SessionTicketKeysTypeOneofCase.DisableStatelessSessionResumption && tls.DisableStatelessSessionResumption,
            DisableSessionCache = tls.DisableStatefulSessionResumption,
            SessionSeconds = (Durations.Ms(tls.SessionTimeout) ?? 0) / 1000,
            PreferClientCiphers = tls.PreferClientCiphers,
        };
        sources = tls.SessionTicketKeysTypeCase switch
        {
            DownstreamTlsContext.SessionTicketKeysTypeOneofCase.SessionTicketKeys => sources with { TicketKeys = SecretCompiler.TicketKeys(tls.SessionTicketKeys, at + ".session_ticket_keys") },
            DownstreamTlsContext.SessionTicketKeysTypeOneofCase.SessionTicketKeysSdsSecretConfig =>
                sources with { TicketSlot = Slot(tls.SessionTicketKeysSdsSecretConfig, at + ".session_ticket_keys_sds_secret_config") },
            _ => sources,
        };
        return Make(settings, sources, statPrefix, at);
    }

    /// <summary>How connections to hosts of a cluster are made.</summary>
    public UpstreamTransport Upstream(TransportSocket? socket, string path, string statPrefix)
    {
        if (socket is null || IsRaw(socket)) return UpstreamTransport.Plain;
        if (socket.TypedConfig?.TryRead<ProxyProtocolUpstreamTransport>(out var proxied) == true)
        {
            var inner = Upstream(proxied.TransportSocket, path + ".typed_config.transport_socket", statPrefix);
            if (proxied.Config?.PassThroughTlvs is not null) throw new ConfigRefusedException(path + ".typed_config.config.pass_through_tlvs", "is not supported");
            if (proxied.Config?.AddedTlvs.Count > 0) throw new ConfigRefusedException(path + ".typed_config.config.added_tlvs", "is not supported");
            if (proxied.TlvAsPoolKey) throw new ConfigRefusedException(path + ".typed_config.tlv_as_pool_key", "is not supported");
            return inner with { ProxyProtocol = proxied.Config?.Version == ProxyProtocolConfig.Types.Version.V2 ? 2 : 1 };
        }
        if (socket.TypedConfig?.TryRead<UpstreamTlsContext>(out var tls) != true) throw new ConfigRefusedException(path, $"{socket.Name} ({socket.TypedConfig?.TypeUrl}) is not supported");
        var at = path + ".typed_config";
        if (tls.AllowRenegotiation) throw new ConfigRefusedException(at + ".allow_renegotiation", "is not supported");
        var common = tls.CommonTlsContext ?? new CommonTlsContext();
        var settings = Settings(common, at + ".common_tls_context", isServer: false) with
        {
            ServerName = tls.Sni,
            AutoHostName = tls.AutoHostSni,
            RequireAskedName = tls.AutoSniSanValidation,
            KeepSessions = tls.MaxSessionKeys is not 0,
        };
        return new UpstreamTransport(Make(settings, Sources(common, at + ".common_tls_context"), statPrefix, at));
    }

    private TlsContextState Make(TlsSettings settings, TlsSources sources, string statPrefix, string path)
    {
        var state = new TlsContextState(settings, sources, new TlsStats(stats, statPrefix), log);
        try
        {
            state.Check();
        }
        catch (TlsMaterialException e)
        {
            throw new ConfigRefusedException(path, e.Message);
        }
        return state;
    }

    private static bool IsRaw(TransportSocket socket) =>
        socket.TypedConfig is { } config ? config.Is(RawBuffer.Descriptor) : socket.Name is "envoy.transport_sockets.raw_buffer" or "raw_buffer" or "";

    private TlsSources Sources(CommonTlsContext common, string path)
    {
        if (common.TlsCertificateProviderInstance is not null) throw new ConfigRefusedException(path + ".tls_certificate_provider_instance", "is not supported");
        if (common.CustomTlsCertificateSelector is not null) throw new ConfigRefusedException(path + ".custom_tls_certificate_selector", "is not supported");
        if (common.CustomHandshaker is not null) throw new ConfigRefusedException(path + ".custom_handshaker", "is not supported");
        if (common.KeyLog?.Path.Length > 0) throw new ConfigRefusedException(path + ".key_log", "is not supported: session keys are never written");
        PeerValidation? validation = null;
        SecretSlot? slot = null;
        switch (common.ValidationContextTypeCase)
        {
            case CommonTlsContext.ValidationContextTypeOneofCase.None:
                break;
            case CommonTlsContext.ValidationContextTypeOneofCase.ValidationContext:
                validation = SecretCompiler.Validation(common.ValidationContext, path + ".validation_context", "");
                if (validation is { Names.Length: > 0, HasTrust: false, AcceptUntrusted: false })
                    throw new ConfigRefusedException(path + ".validation_context", "names are matched, but nothing is trusted: that would prove nothing");
                break;
            case CommonTlsContext.ValidationContextTypeOneofCase.ValidationContextSdsSecretConfig:
                slot = Slot(common.ValidationContextSdsSecretConfig, path + ".validation_context_sds_secret_config");
                break;
            case CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext:
                var combined = common.CombinedValidationContext;
                validation = SecretCompiler.Validation(combined.DefaultValidationContext ?? new CertificateValidationContext(), path + ".combined_validation_context.default_validation_context", "");
                slot = Slot(combined.ValidationContextSdsSecretConfig, path + ".combined_validation_context.validation_context_sds_secret_config");
                break;
            default:
                throw new ConfigRefusedException(path, $"{common.ValidationContextTypeCase} is not supported");
        }
        return new TlsSources(
            [.. common.TlsCertificates.Select((certificate, i) => SecretCompiler.Certificate(certificate, $"{path}.tls_certificates[{i}]", ""))],
            [.. common.TlsCertificateSdsSecretConfigs.Select((secret, i) => Slot(secret, $"{path}.tls_certificate_sds_secret_configs[{i}]"))], validation, slot);
    }

    private SecretSlot Slot(SdsSecretConfig? secret, string path)
    {
        if (secret is null || secret.Name.Length == 0 && secret.SdsConfig is null) throw new ConfigRefusedException(path + ".name", "is missing");
        if (secret.SdsConfig is not { } source)
        {
            var known = secrets.Slot(new SecretSource(SecretSourceKind.Bootstrap), secret.Name);
            return known.HasValue ? known : throw new ConfigRefusedException(path + ".name", $"the bootstrap has no secret {secret.Name}");
        }
        var at = path + ".sds_config";
        var patience = Durations.Ms(source.InitialFetchTimeout) ?? 15_000;
        switch (source.ConfigSourceSpecifierCase)
        {
            case ConfigSource.ConfigSourceSpecifierOneofCase.Ads or ConfigSource.ConfigSourceSpecifierOneofCase.Self:
                return secrets.Slot(new SecretSource(SecretSourceKind.Ads), secret.Name, patience);
            case ConfigSource.ConfigSourceSpecifierOneofCase.PathConfigSource:
                return secrets.Slot(new SecretSource(SecretSourceKind.File, source.PathConfigSource.Path), secret.Name, patience);
#pragma warning disable CS0612 // The older form is still used.
            case ConfigSource.ConfigSourceSpecifierOneofCase.Path:
                return secrets.Slot(new SecretSource(SecretSourceKind.File, source.Path), secret.Name, patience);
#pragma warning restore CS0612
            case ConfigSource.ConfigSourceSpecifierOneofCase.ApiConfigSource:
                var api = source.ApiConfigSource;
                if (api.ApiType != ApiConfigSource.Types.ApiType.Grpc) throw new ConfigRefusedException(at + ".api_config_source.api_type", $"{api.ApiType} is not supported");
                if (api.GrpcServices.FirstOrDefault()?.EnvoyGrpc?.ClusterName is not { Length: > 0 } cluster)
                    throw new ConfigRefusedException(at + ".api_config_source.grpc_services", "names no cluster (envoy_grpc)");
                return secrets.Slot(new SecretSource(SecretSourceKind.Cluster, cluster), secret.Name, patience);
            default:
                throw new ConfigRefusedException(at, $"{source.ConfigSourceSpecifierCase} is not supported");
        }
    }

    private static TlsSettings Settings(CommonTlsContext common, string path, bool isServer)
    {
        var parameters = common.TlsParams ?? new TlsParameters();
        if (parameters.CompliancePolicies.Count > 0) throw new ConfigRefusedException(path + ".tls_params.compliance_policies", "is not supported");
        var min = Version(parameters.TlsMinimumProtocolVersion, OpenSsl.Tls12);
        // Clients stop at 1.2 unless told otherwise, as Envoy's do.
        var max = Version(parameters.TlsMaximumProtocolVersion, isServer ? OpenSsl.Tls13 : Math.Max(min, OpenSsl.Tls12));
        if (min > max) throw new ConfigRefusedException(path + ".tls_params", "the minimum version is above the maximum version");
        return new TlsSettings
        {
            IsServer = isServer,
            MinVersion = min,
            MaxVersion = max,
            // BoringSSL's groups of equal preference, [A|B], are tried in the order that they are written in.
            Ciphers = string.Join(':', parameters.CipherSuites).Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Replace('|', ':'),
            Groups = parameters.EcdhCurves.Count > 0 ? string.Join(':', parameters.EcdhCurves) : "X25519:P-256",
            SignatureAlgorithms = string.Join(':', parameters.SignatureAlgorithms),
            Protocols = Protocols(common.AlpnProtocols, path + ".alpn_protocols"),
        };
    }

    /// <summary>An ALPN list in wire form (RFC 7301 section 3.1).</summary>
    public static byte[] Protocols(IEnumerable<string> names, string path)
    {
        var list = new List<byte>();
        foreach (var name in names)
        {
            if (name.Length is 0 or > 255) throw new ConfigRefusedException(path, $"'{name}' is not a protocol name");
            list.Add((byte)name.Length);
            list.AddRange(System.Text.Encoding.Latin1.GetBytes(name));
        }
        return [.. list];
    }

    private static int Version(TlsParameters.Types.TlsProtocol version, int auto) => version switch
    {
        TlsParameters.Types.TlsProtocol.Tlsv10 => OpenSsl.Tls10,
        TlsParameters.Types.TlsProtocol.Tlsv11 => OpenSsl.Tls11,
        TlsParameters.Types.TlsProtocol.Tlsv12 => OpenSsl.Tls12,
        TlsParameters.Types.TlsProtocol.Tlsv13 => OpenSsl.Tls13,
        _ => auto,
    };
}
