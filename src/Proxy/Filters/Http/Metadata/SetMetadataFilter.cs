using Envoy.Extensions.Filters.Http.SetMetadata.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Http.Metadata;

/// <summary>Writes fixed values into the dynamic metadata of every request. Immutable. Source: Envoy's set_metadata filter.</summary>
internal sealed class SetMetadataFilter : IHttpFilter
{
    private readonly (string Namespace, bool Overwrite, Struct Value)[] _entries;

    public SetMetadataFilter(Config config, string path)
    {
        var entries = new List<(string, bool, Struct)>();
#pragma warning disable CS0612 // The older form is still sent.
        if (config.MetadataNamespace.Length > 0 && config.Value is { } old) entries.Add((config.MetadataNamespace, true, old));
#pragma warning restore CS0612
        for (var i = 0; i < config.Metadata.Count; i++)
        {
            var entry = config.Metadata[i];
            if (entry.TypedValue is not null) throw new ConfigRefusedException($"{path}.metadata[{i}].typed_value", "is not supported");
            if (entry.Value is { } value) entries.Add((entry.MetadataNamespace, entry.AllowOverwrite, value));
        }
        _entries = [.. entries];
    }

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        var metadata = exchange.Info.Metadata;
        foreach (var (name, overwrite, value) in _entries)
            if (overwrite || metadata.Find(name) is null)
                metadata.Merge(name, value);
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
    }
}
