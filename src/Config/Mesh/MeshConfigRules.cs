using Google.Protobuf.WellKnownTypes;
using Istio.Mesh.V1Alpha1;
using Lateen.Config.Validation;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Mesh;

/// <summary>Judges a mesh configuration as a whole.</summary>
internal static class MeshConfigRules
{
    private const long LongestConnectSeconds = 3600;

    public static IReadOnlyList<FieldProblem> Check(MeshConfig mesh)
    {
        var problems = new List<FieldProblem>();
        Note("proxyListenPort", Addresses.CheckPort(mesh.ProxyListenPort), "invalid proxy listen port");
        var connect = Values.CheckDuration(mesh.ConnectTimeout ?? new Duration());
        if (connect is null && mesh.ConnectTimeout!.Seconds > LongestConnectSeconds) connect = "it must be between 1ms and 1h";
        Note("connectTimeout", connect, "invalid connect timeout");
        if (mesh.ProtocolDetectionTimeout is { } detection && detection.Nanos % 1_000_000 != 0)
            Note("protocolDetectionTimeout", "only durations to ms precision are supported", "invalid protocol detection timeout");
        Note("trustDomain", DnsNames.CheckTrustDomain(mesh.TrustDomain), "trustDomain");
        for (var i = 0; i < mesh.TrustDomainAliases.Count; i++)
            Note($"trustDomainAliases[{i}]", DnsNames.CheckTrustDomain(mesh.TrustDomainAliases[i]), $"trustDomainAliases[{i}], domain `{mesh.TrustDomainAliases[i]}`");
        for (var i = 0; i < mesh.ServiceSettings.Count; i++)
            for (var j = 0; j < mesh.ServiceSettings[i].Hosts.Count; j++)
                Note($"serviceSettings[{i}].hosts[{j}]", DnsNames.CheckWildcardDomain(mesh.ServiceSettings[i].Hosts[j], original: false), $"serviceSettings[{i}]");
        if (mesh.DefaultConfig is { } proxy) CheckProxy(proxy);
        return problems;

        void CheckProxy(ProxyConfig config)
        {
            if (config.ConfigPath.Length == 0) Note("defaultConfig.configPath", "config path must be set", "");
            if (config.BinaryPath.Length == 0) Note("defaultConfig.binaryPath", "binary path must be set", "");
            if (config.ClusterNameCase == ProxyConfig.ClusterNameOneofCase.None || (config.HasServiceCluster && config.ServiceCluster.Length == 0))
                Note("defaultConfig.serviceCluster", "service cluster must be specified", "");
            Note("defaultConfig.drainDuration", Values.CheckDuration(config.DrainDuration ?? new Duration()), "invalid drain duration");
            Note("defaultConfig.discoveryAddress", config.DiscoveryAddress.Length == 0
                ? "discovery address must be set to the proxy discovery service"
                : Addresses.CheckServer(config.DiscoveryAddress), "invalid discovery address");
            if (config.StatsdUdpAddress.Length > 0) Note("defaultConfig.statsdUdpAddress", Addresses.CheckServer(config.StatsdUdpAddress), "invalid statsd udp address");
            if (config.Tracing?.Zipkin is { } zipkin)
                Note("defaultConfig.tracing.zipkin.address", Addresses.CheckServer(zipkin.Address.Replace("$(HOST_IP)", "127.0.0.1", StringComparison.Ordinal)), "invalid zipkin config");
            Note("defaultConfig.proxyAdminPort", Addresses.CheckPort(config.ProxyAdminPort), "invalid proxy admin port");
            Note("defaultConfig.statusPort", Addresses.CheckPort(config.StatusPort), "invalid status port");
            if (config.ControlPlaneAuthPolicy is not (AuthenticationPolicy.None or AuthenticationPolicy.MutualTls))
                Note("defaultConfig.controlPlaneAuthPolicy", $"unrecognized control plane auth policy \"{config.ControlPlaneAuthPolicy}\"", "invalid authentication policy");
        }

        void Note(string path, string? problem, string what)
        {
            if (problem is not null) problems.Add(new FieldProblem(path, what.Length == 0 ? problem : $"{what}: {problem}"));
        }
    }
}
