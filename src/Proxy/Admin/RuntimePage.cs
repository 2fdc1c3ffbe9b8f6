using System.Text.Json.Nodes;
using Envoy.Config.Bootstrap.V3;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Proxy.Admin;

/// <summary>The runtime values of the bootstrap's layers, the last layer that has a value winning.</summary>
internal static class RuntimePage
{
    public static string Json(Envoy.Config.Bootstrap.V3.Bootstrap bootstrap)
    {
        var layers = bootstrap.LayeredRuntime?.Layers.ToArray() ?? [];
        var values = layers.Select(layer => layer.LayerSpecifierCase == RuntimeLayer.LayerSpecifierOneofCase.StaticLayer ? Flat(layer.StaticLayer, "").ToDictionary(entry => entry.Key, entry => entry.Value) : []).ToArray();
        var entries = new JsonObject();
        foreach (var key in values.SelectMany(layer => layer.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            var of = values.Select(layer => layer.GetValueOrDefault(key, "")).ToArray();
            entries[key] = new JsonObject { ["final_value"] = of.Last(value => value.Length > 0), ["layer_values"] = new JsonArray([.. of.Select(value => (JsonNode)value)]) };
        }
        return new JsonObject { ["layers"] = new JsonArray([.. layers.Select(layer => (JsonNode)layer.Name)]), ["entries"] = entries }.ToJsonString(AdminPages.Indented) + "\n";
    }

    private static IEnumerable<KeyValuePair<string, string>> Flat(Struct layer, string prefix)
    {
        foreach (var (name, value) in layer.Fields)
            if (value.KindCase == Value.KindOneofCase.StructValue && !value.StructValue.Fields.ContainsKey("numerator"))
                foreach (var inner in Flat(value.StructValue, $"{prefix}{name}."))
                    yield return inner;
            else yield return new(prefix + name, value.KindCase == Value.KindOneofCase.StringValue ? value.StringValue : value.ToString());
    }
}
