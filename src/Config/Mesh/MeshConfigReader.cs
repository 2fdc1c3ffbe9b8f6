using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using Istio.Mesh.V1Alpha1;
using Lateen.Config.Reading;
using Lateen.Config.Validation;
using Lateen.Foundation.Yaml;

namespace Lateen.Config.Mesh;

/// <summary>What became of a mesh configuration text. Immutable.</summary>
/// <param name="Config">The configuration with its defaults; null when the text could not be read or is refused.</param>
/// <param name="Errors">Why.</param>
/// <param name="Warnings">Unknown fields, which are left out.</param>
public sealed record MeshConfigReadResult(MeshConfig? Config, IReadOnlyList<FieldProblem> Errors, IReadOnlyList<FieldProblem> Warnings);

/// <summary>
/// Reads the mesh configuration: key <c>mesh</c> of the ConfigMap <c>istio</c>, or a file. Given fields replace the defaults,
/// but those of <c>defaultConfig</c> and <c>defaultProviders</c> are merged field by field and extension providers by name.
/// parity: istio pkg/config/mesh/mesh.go#ApplyMeshConfig
/// </summary>
public static class MeshConfigReader
{
    /// <summary>The configuration of a mesh that has none; a new message each time.</summary>
    public static MeshConfig Default()
    {
        var config = new MeshConfig
        {
            EnableTracing = true,
            ProtocolDetectionTimeout = new Duration(),
            IngressService = "istio-ingressgateway",
            IngressControllerMode = MeshConfig.Types.IngressControllerMode.Strict,
            IngressClass = "istio",
            TrustDomain = "cluster.local",
            EnableAutoMtls = true,
            OutboundTrafficPolicy = new MeshConfig.Types.OutboundTrafficPolicy { Mode = MeshConfig.Types.OutboundTrafficPolicy.Types.Mode.AllowAny },
            InboundTrafficPolicy = new MeshConfig.Types.InboundTrafficPolicy { Mode = MeshConfig.Types.InboundTrafficPolicy.Types.Mode.Passthrough },
            LocalityLbSetting = new Istio.Networking.V1Alpha3.LocalityLoadBalancerSetting { Enabled = true },
            DefaultConfig = DefaultProxyConfig(),
            RootNamespace = "istio-system",
            ProxyListenPort = 15001,
            ProxyInboundListenPort = 15006,
            ConnectTimeout = Seconds(10),
            DnsRefreshRate = Seconds(60),
            EnablePrometheusMerge = true,
            DefaultProviders = new MeshConfig.Types.DefaultProviders(),
        };
        config.DefaultServiceExportTo.Add("*");
        config.DefaultVirtualServiceExportTo.Add("*");
        config.DefaultDestinationRuleExportTo.Add("*");
        config.ExtensionProviders.Add(new MeshConfig.Types.ExtensionProvider { Name = "prometheus", Prometheus = new() });
        config.ExtensionProviders.Add(new MeshConfig.Types.ExtensionProvider { Name = "stackdriver", Stackdriver = new() });
        config.ExtensionProviders.Add(new MeshConfig.Types.ExtensionProvider { Name = "envoy", EnvoyFileAccessLog = new() { Path = "/dev/stdout" } });
        return config;
    }

    /// <summary>The configuration of a proxy that has none.</summary>
    public static ProxyConfig DefaultProxyConfig() => new()
    {
        ConfigPath = "./etc/istio/proxy",
        BinaryPath = "/usr/local/bin/envoy",
        ServiceCluster = "istio-proxy",
        DrainDuration = Seconds(45),
        TerminationDrainDuration = Seconds(5),
        DiscoveryAddress = "istiod.istio-system.svc:15012",
        ProxyAdminPort = 15000,
        ControlPlaneAuthPolicy = AuthenticationPolicy.MutualTls,
        StatNameLength = 189,
        StatusPort = 15020,
    };

    /// <summary>Reads YAML over the defaults.</summary>
    /// <param name="yaml">The text; empty gives the defaults.</param>
    /// <param name="source">Where it came from, for errors.</param>
    public static MeshConfigReadResult Read(string yaml, string source)
    {
        if (!TryParse(yaml, source, out var tree, out var errors)) return new MeshConfigReadResult(null, errors, []);
        var config = Default();
        var reader = new ProtoJsonReader();
        var defaults = config.Clone();
        var proxyTree = Take(tree, "defaultConfig", "default_config");
        var providersTree = Take(tree, "defaultProviders", "default_providers");
        config.ExtensionProviders.Clear();
        reader.Apply(config, tree, FieldPath.Root);
        MergeProxyConfig(config.DefaultConfig, proxyTree, reader, FieldPath.Root["defaultConfig"]);
        reader.Apply(config.DefaultProviders, providersTree, FieldPath.Root["defaultProviders"]);
        MergeProviders(config, defaults);
        var problems = reader.Errors.Count > 0 ? reader.Errors : MeshConfigRules.Check(config);
        return new MeshConfigReadResult(problems.Count > 0 ? null : config, problems, reader.Unknown);
    }

    /// <summary>
    /// A copy of a proxy configuration with what YAML gives in its place, as a pod's <c>proxy.istio.io/config</c> does;
    /// metadata is merged.
    /// </summary>
    /// <exception cref="FormatException">The text is no proxy configuration; the message says which field.</exception>
    public static ProxyConfig MergeProxyConfig(ProxyConfig over, string yaml, string source)
    {
        if (!TryParse(yaml, source, out var tree, out var errors)) throw new FormatException(errors[0].ToString());
        var merged = over.Clone();
        var reader = new ProtoJsonReader();
        MergeProxyConfig(merged, tree, reader, FieldPath.Root);
        return reader.Errors.Count == 0 ? merged : throw new FormatException($"{source}: {string.Join("; ", reader.Errors)}");
    }

    /// <summary>Reads the networks of the mesh: key <c>meshNetworks</c> of the ConfigMap, or a file.</summary>
    /// <exception cref="FormatException">The text cannot be read; the message says why and where.</exception>
    public static MeshNetworks ReadNetworks(string yaml, string source)
    {
        if (!TryParse(yaml, source, out var tree, out var errors)) throw new FormatException(errors[0].ToString());
        var reader = new ProtoJsonReader();
        var networks = (MeshNetworks)reader.Read(MeshNetworks.Descriptor, tree, FieldPath.Root);
        return reader.Errors.Count == 0 ? networks : throw new FormatException($"{source}: {string.Join("; ", reader.Errors)}");
    }

    private static void MergeProxyConfig(ProxyConfig config, JsonNode? tree, ProtoJsonReader reader, FieldPath path)
    {
        if (tree is null) return;
        var metadata = config.ProxyMetadata.Clone();
        reader.Apply(config, tree, path);
        foreach (var (name, value) in metadata) config.ProxyMetadata.TryAdd(name, value);
    }

    private static void MergeProviders(MeshConfig config, MeshConfig defaults)
    {
        var given = config.ExtensionProviders.ToList();
        config.ExtensionProviders.Clear();
        foreach (var provider in defaults.ExtensionProviders) config.ExtensionProviders.Add(given.LastOrDefault(other => other.Name == provider.Name) ?? provider);
        foreach (var provider in given)
            if (config.ExtensionProviders.All(other => other.Name != provider.Name))
                config.ExtensionProviders.Add(provider);
    }

    private static bool TryParse(string yaml, string source, out JsonObject tree, out IReadOnlyList<FieldProblem> errors)
    {
        (tree, errors) = ([], []);
        var documents = YamlReader.ReadAll(yaml, source);
        if (documents.Count == 0) return true;
        if (documents[0].Error is { } error) errors = [new FieldProblem("", $"{source}: {error}")];
        else if (documents[0].Root is JsonObject root) tree = root;
        else errors = [new FieldProblem("", $"{source}: a mesh configuration is a map of fields")];
        return errors.Count == 0;
    }

    private static JsonNode? Take(JsonObject tree, params string[] names)
    {
        JsonNode? taken = null;
        foreach (var name in names)
            if (tree.Remove(name, out var node))
                taken = node ?? taken;
        return taken;
    }

    private static Duration Seconds(int seconds) => new() { Seconds = seconds };
}
