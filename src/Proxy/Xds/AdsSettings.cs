using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Upstream.Clusters;
using Lateen.Rpc;
using Lateen.Rpc.Client;
using BootstrapConfig = Envoy.Config.Bootstrap.V3.Bootstrap;

namespace Lateen.Proxy.Xds;

/// <summary>Where the control plane is and how it is spoken to: dynamic_resources.ads_config and the cluster that it names. Immutable.</summary>
internal sealed record AdsSettings
{
    private const string Path = "dynamic_resources.ads_config";

    /// <summary>Opens a stream to one of the cluster's hosts; null while it has none.</summary>
    public required Func<CancellationToken, IAdsStream?> Open { get; init; }

    public TimeSpan FirstPause { get; init; }

    public TimeSpan LongestPause { get; init; }

    /// <summary>Reads the settings; the function gives the cluster as it is whenever a stream is opened.</summary>
    /// <exception cref="ConfigRefusedException">The bootstrap asks for something that is not supported.</exception>
    public static AdsSettings Of(BootstrapConfig bootstrap, Func<string, ClusterState?> find)
    {
        var ads = bootstrap.DynamicResources.AdsConfig;
        if (ads.ApiType is not (ApiConfigSource.Types.ApiType.Grpc or ApiConfigSource.Types.ApiType.DeltaGrpc or ApiConfigSource.Types.ApiType.AggregatedGrpc or ApiConfigSource.Types.ApiType.AggregatedDeltaGrpc))
            throw new ConfigRefusedException(Path + ".api_type", $"{ads.ApiType} is not supported");
        if (ads.ConfigValidators.Count > 0) throw new ConfigRefusedException(Path + ".config_validators", "are not supported");
        if (ads.GrpcServices.Count != 1) throw new ConfigRefusedException(Path + ".grpc_services", "must be one");
        var service = ads.GrpcServices[0];
        if (service.EnvoyGrpc is not { ClusterName: { Length: > 0 } name } grpc) throw new ConfigRefusedException(Path + ".grpc_services[0]", "names no cluster (envoy_grpc)");
        var cluster = bootstrap.StaticResources?.Clusters.FirstOrDefault(candidate => candidate.Name == name)
            ?? throw new ConfigRefusedException(Path + ".grpc_services[0].envoy_grpc.cluster_name", $"{name} is not a static cluster");
        var tls = cluster.TransportSocket?.TypedConfig is { } socket && socket.TryRead<UpstreamTlsContext>(out var context) ? Tls(context, $"static_resources.clusters.{name}.transport_socket.typed_config") : null;
        var headers = new RpcMetadata();
        foreach (var header in service.InitialMetadata) headers.Add(header.Key.ToLowerInvariant(), header.Value);
        var isDelta = ads.ApiType is ApiConfigSource.Types.ApiType.DeltaGrpc or ApiConfigSource.Types.ApiType.AggregatedDeltaGrpc;
        return new AdsSettings
        {
            Open = cancel =>
            {
                if (Target(find(name), cluster, tls is not null) is not { } target) return null;
                var channel = RpcChannel.Create(target, new RpcChannelOptions { MaxReceiveMessageSize = int.MaxValue, Tls = tls });
                var given = service.InitialMetadata.Count > 0 ? headers : null;
                return isDelta ? new DeltaStream(channel, given, cancel) : new SotwStream(channel, given, cancel);
            },
            FirstPause = TimeSpan.FromMilliseconds(Durations.Ms(grpc.RetryPolicy?.RetryBackOff?.BaseInterval) ?? 500),
            LongestPause = TimeSpan.FromMilliseconds(Durations.Ms(grpc.RetryPolicy?.RetryBackOff?.MaxInterval) ?? 30_000),
        };
    }

    private static string? Target(ClusterState? state, Envoy.Config.Cluster.V3.Cluster cluster, bool isTls)
    {
        var scheme = isTls ? "https" : "http";
        if (state?.Hosts.All is { Length: > 0 } hosts)
        {
            var address = hosts[Random.Shared.Next(hosts.Length)].Address;
            return address.Path is { } path ? $"unix://{path}" : $"{scheme}://{address}";
        }
        // Names that do not resolve yet are left to the channel, which says why it cannot connect.
        return cluster.LoadAssignment?.Endpoints.SelectMany(locality => locality.LbEndpoints).Select(endpoint => endpoint.Endpoint?.Address).FirstOrDefault() switch
        {
            { AddressCase: Address.AddressOneofCase.SocketAddress } socket => $"{scheme}://{socket.SocketAddress.Address}:{socket.SocketAddress.PortValue}",
            { AddressCase: Address.AddressOneofCase.Pipe } pipe => $"unix://{System.IO.Path.GetFullPath(pipe.Pipe.Path)}",
            _ => null,
        };
    }

    /// <summary>
    /// TLS of the control plane's connection, from files and inline data. It is the runtime's TLS: one connection for a process
    /// is no matter of speed.
    /// </summary>
    private static SslClientAuthenticationOptions Tls(UpstreamTlsContext context, string path)
    {
        var common = context.CommonTlsContext ?? new CommonTlsContext();
        var options = new SslClientAuthenticationOptions { TargetHost = context.Sni, ApplicationProtocols = [SslApplicationProtocol.Http2] };
        if (common.TlsCertificates.Count > 0)
        {
            var certificate = common.TlsCertificates[0];
            var (chain, key) = (Text(certificate.CertificateChain, path + ".certificate_chain"), Text(certificate.PrivateKey, path + ".private_key"));
            options.ClientCertificates = [X509Certificate2.CreateFromPem(chain, key)];
        }
        if (common.ValidationContextTypeCase is not (CommonTlsContext.ValidationContextTypeOneofCase.None or CommonTlsContext.ValidationContextTypeOneofCase.ValidationContext))
            throw new ConfigRefusedException(path + ".common_tls_context", $"{common.ValidationContextTypeCase} is not supported for the control plane's cluster");
        if (common.TlsCertificateSdsSecretConfigs.Count > 0) throw new ConfigRefusedException(path + ".common_tls_context.tls_certificate_sds_secret_configs", "are not supported for the control plane's cluster");
        if (common.ValidationContext?.TrustedCa is not { } trusted)
        {
            // Without a trust bundle nothing is verified, as in Envoy.
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
            return options;
        }
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(Text(trusted, path + ".trusted_ca"));
        var names = common.ValidationContext.MatchTypedSubjectAltNames.Select((matcher, i) => Http.Routing.StringMatch.From(matcher.Matcher, $"{path}.match_typed_subject_alt_names[{i}]")).ToArray();
        options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
        {
            if (certificate is null) return false;
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(roots);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            using var own = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
            if (!chain.Build(own)) return false;
            if (names.Length == 0) return true;
            var alternatives = own.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames()).Select(System.Text.Encoding.ASCII.GetBytes).ToList();
            return names.Any(name => alternatives.Exists(alternative => name.IsMatch(alternative)));
        };
        return options;
    }

    private static string Text(DataSource? source, string path)
    {
        try
        {
            return source?.SpecifierCase switch
            {
                DataSource.SpecifierOneofCase.Filename => File.ReadAllText(source.Filename),
                DataSource.SpecifierOneofCase.InlineString => source.InlineString,
                DataSource.SpecifierOneofCase.InlineBytes => source.InlineBytes.ToStringUtf8(),
                DataSource.SpecifierOneofCase.EnvironmentVariable => Environment.GetEnvironmentVariable(source.EnvironmentVariable) ?? "",
                _ => throw new ConfigRefusedException(path, "is missing"),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigRefusedException(path, e.Message);
        }
    }
}
