using System.Globalization;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.LoadBalancingPolicies.Subset.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Upstream.Clusters;
using OldPolicy = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig;

namespace Lateen.Proxy.Compile;

/// <summary>Subset settings in their old and their new form, and the metadata that they compare. Pure.</summary>
internal static class SubsetCompiler
{
    private const string LbMetadata = "envoy.lb";

    public static SubsetSettings Compile(Cluster.Types.LbSubsetConfig config, string path)
    {
        Refuse(config.ScaleLocalityWeight, config.ListAsAny, config.MetadataFallbackPolicy != OldPolicy.Types.LbSubsetMetadataFallbackPolicy.MetadataNoFallback, path);
        return new SubsetSettings(
            [.. config.SubsetSelectors.Select((selector, i) => Selector(selector.Keys, selector.SingleHostPerSubset, (int)selector.FallbackPolicy, selector.FallbackKeysSubset, $"{path}.subset_selectors[{i}]"))],
            Fallback((int)config.FallbackPolicy), Criteria(config.DefaultSubset), config.PanicModeAny, config.LocalityWeightAware);
    }

    public static SubsetSettings Compile(Subset config, string path)
    {
        Refuse(config.ScaleLocalityWeight, config.ListAsAny, config.MetadataFallbackPolicy != Subset.Types.LbSubsetMetadataFallbackPolicy.MetadataNoFallback, path);
        return new SubsetSettings(
            [.. config.SubsetSelectors.Select((selector, i) => Selector(selector.Keys, selector.SingleHostPerSubset, (int)selector.FallbackPolicy, selector.FallbackKeysSubset, $"{path}.subset_selectors[{i}]"))],
            Fallback((int)config.FallbackPolicy), Criteria(config.DefaultSubset), config.PanicModeAny, config.LocalityWeightAware);
    }

    /// <summary>What a route asks for under envoy.lb; null when it asks for nothing.</summary>
    public static SubsetCriteria? Criteria(Metadata? metadata) =>
        metadata?.FilterMetadata.TryGetValue(LbMetadata, out var lb) == true && lb.Fields.Count > 0 ? Criteria(lb) : null;

    /// <summary>A host's metadata under envoy.lb, as texts.</summary>
    public static IReadOnlyDictionary<string, string> Labels(Metadata? metadata, string ns = LbMetadata) =>
        metadata?.FilterMetadata.TryGetValue(ns, out var lb) == true && lb.Fields.Count > 0
            ? lb.Fields.ToDictionary(field => field.Key, field => Text(field.Value))
            : HostState.NoLabels;

    private static SubsetCriteria Criteria(Struct? labels) => labels is null ? SubsetCriteria.Any : new SubsetCriteria(labels.Fields.Select(field => System.Collections.Generic.KeyValuePair.Create(field.Key, Text(field.Value))));

    /// <summary>Values of different kinds never look alike but where JSON writes them alike.</summary>
    internal static string Text(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StringValue => value.StringValue,
        Value.KindOneofCase.NumberValue => value.NumberValue.ToString("R", CultureInfo.InvariantCulture),
        Value.KindOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        Value.KindOneofCase.StructValue or Value.KindOneofCase.ListValue => value.ToString(),
        _ => "",
    };

    private static SubsetSelector Selector(IEnumerable<string> keys, bool single, int fallback, IEnumerable<string> fallbackKeys, string path)
    {
        string[] names = [.. keys.Distinct().Order(StringComparer.Ordinal)], fewer = [.. fallbackKeys.Distinct().Order(StringComparer.Ordinal)];
        if (names.Length == 0) throw new ConfigRefusedException(path + ".keys", "is empty");
        if (single && names.Length > 1) throw new ConfigRefusedException(path + ".single_host_per_subset", "needs exactly one key");
        var policy = fallback switch
        {
            0 => SubsetFallback.NotDefined,
            1 => SubsetFallback.None,
            2 => SubsetFallback.Any,
            3 => SubsetFallback.Default,
            _ => SubsetFallback.Keys,
        };
        if (policy == SubsetFallback.Keys && (fewer.Length == 0 || fewer.Length >= names.Length || fewer.Except(names).Any()))
            throw new ConfigRefusedException(path + ".fallback_keys_subset", "must be some, not all, of the keys");
        return new SubsetSelector(names, single, policy, fewer);
    }

    private static SubsetFallback Fallback(int policy) => policy switch
    {
        0 => SubsetFallback.None,
        1 => SubsetFallback.Any,
        _ => SubsetFallback.Default,
    };

    private static void Refuse(bool scale, bool lists, bool fallbackList, string path)
    {
        if (scale) throw new ConfigRefusedException(path + ".scale_locality_weight", "is not supported");
        if (lists) throw new ConfigRefusedException(path + ".list_as_any", "is not supported");
        if (fallbackList) throw new ConfigRefusedException(path + ".metadata_fallback_policy", "FALLBACK_LIST is not supported");
    }
}
