using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Filters.Http.PeerMetadata;

/// <summary>
/// Settings of the metadata exchange. Istio sends them as a structure with a type's name, and so they are read. Immutable.
/// Source: Istio's proxy, io.istio.http.peer_metadata.Config.
/// </summary>
internal sealed record PeerMetadataSettings
{
    public const string TypeName = "io.istio.http.peer_metadata.Config";

    public bool FindsDownstream { get; private init; }

    public bool FindsUpstream { get; private init; }

    public bool TellsDownstream { get; private init; }

    public bool TellsUpstream { get; private init; }

    /// <summary>Clusters outside the mesh are told nothing.</summary>
    public bool SkipsExternal { get; private init; }

    public string[] AdditionalLabels { get; private init; } = [];

    /// <exception cref="ConfigRefusedException">A field or a method is not supported.</exception>
    public static PeerMetadataSettings Of(Struct config, string path)
    {
        var settings = new PeerMetadataSettings();
        foreach (var (name, value) in config.Fields)
        {
            var at = $"{path}.{name}";
            settings = name switch
            {
                "downstream_discovery" or "downstreamDiscovery" => settings with { FindsDownstream = Methods(value, at, out _) },
                "upstream_discovery" or "upstreamDiscovery" => settings with { FindsUpstream = Methods(value, at, out _) },
                "downstream_propagation" or "downstreamPropagation" => settings with { TellsDownstream = Methods(value, at, out _) },
                "upstream_propagation" or "upstreamPropagation" => settings with { TellsUpstream = Methods(value, at, out var skips), SkipsExternal = skips },
                "additional_labels" or "additionalLabels" => settings with { AdditionalLabels = [.. value.ListValue?.Values.Select(label => label.StringValue) ?? []] },
                // There is no filter chain behind the upstream that it could be shared with.
                "shared_with_upstream" or "sharedWithUpstream" => settings,
                _ => throw new ConfigRefusedException(at, "is not known"),
            };
        }
        return settings;
    }

    /// <summary>Whether headers are among the methods. A workload table, which is ambient's, is empty here: a look-up in it finds nobody.</summary>
    private static bool Methods(Value value, string path, out bool skipsExternal)
    {
        (var usesHeaders, skipsExternal) = (false, false);
        foreach (var method in value.ListValue?.Values ?? [])
            foreach (var (name, options) in method.StructValue?.Fields ?? [])
                switch (name)
                {
                    case "istio_headers" or "istioHeaders":
                        usesHeaders = true;
                        foreach (var (option, on) in options.StructValue?.Fields ?? [])
                            if (option is "skip_external_clusters" or "skipExternalClusters") skipsExternal |= on.BoolValue;
                            else throw new ConfigRefusedException($"{path}.{name}.{option}", "is not known");
                        break;
                    case "workload_discovery" or "workloadDiscovery":
                        break;
                    default:
                        throw new ConfigRefusedException($"{path}.{name}", "is not supported");
                }
        return usesHeaders;
    }
}
