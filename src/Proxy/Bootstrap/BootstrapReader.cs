using Envoy.Config.Core.V3;
using Google.Protobuf;
using Lateen.Api;
using Lateen.Foundation.Yaml;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Compile.Rules;
using Lateen.Proxy.Xds;
using BootstrapConfig = Envoy.Config.Bootstrap.V3.Bootstrap;

namespace Lateen.Proxy.Bootstrap;

/// <summary>Reads Envoy's v3 bootstrap, YAML or JSON. A field that is not known is an error.</summary>
internal static class BootstrapReader
{
    /// <exception cref="ConfigRefusedException">The text is not a bootstrap; the message names the file and what is wrong.</exception>
    public static BootstrapConfig Read(string text, string file)
    {
        try
        {
            var bootstrap = AnyRegistry.Parse<BootstrapConfig>(YamlReader.ReadOne(text, file).ToJsonString());
            FieldRules.Check(bootstrap);
            var layers = bootstrap.LayeredRuntime?.Layers ?? [];
            if (layers.DistinctBy(layer => layer.Name).Count() < layers.Count) throw new ConfigRefusedException("layered_runtime.layers", "two have the same name");
            return bootstrap;
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException or FormatException or InvalidOperationException)
        {
            throw new ConfigRefusedException(file, e.Message);
        }
    }

    /// <summary>The files that dynamic_resources name, by the type that they hold.</summary>
    /// <exception cref="ConfigRefusedException">A source is of a kind that is not supported.</exception>
    public static IReadOnlyList<(string TypeUrl, ConfigOrigin Origin)> Files(BootstrapConfig bootstrap) =>
    [
        .. Sources(bootstrap).Where(source => source.Config is not null).Select(source => (source.TypeUrl, ConfigOrigin.Of(source.Config, $"dynamic_resources.{source.Field}")))
            .Where(source => source.Item2.File is not null),
    ];

    /// <summary>Clusters and listeners are asked for when the bootstrap says so; the rest by the names that are in use.</summary>
    public static bool IsAskedOfStream(BootstrapConfig bootstrap, ResourceKind kind) => kind.Names is not null || Sources(bootstrap).Any(source => source.TypeUrl == kind.TypeUrl && source.Config is not null);

    private static (string TypeUrl, string Field, ConfigSource? Config)[] Sources(BootstrapConfig bootstrap) =>
        [(TypeUrls.Cluster, "cds_config", bootstrap.DynamicResources?.CdsConfig), (TypeUrls.Listener, "lds_config", bootstrap.DynamicResources?.LdsConfig)];
}
