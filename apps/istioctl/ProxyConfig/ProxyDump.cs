using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.Foundation.Cli;

/// <summary>What a proxy has of one kind of configuration, out of Envoy's config_dump. Immutable.</summary>
internal sealed class ProxyDump
{
    /// <summary>How JSON is printed.</summary>
    public static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<JsonObject> _parts;

    private ProxyDump(List<JsonObject> parts) => _parts = parts;

    /// <summary>The bootstrap's message, or null when the dump has none.</summary>
    public JsonObject? Bootstrap => Part("BootstrapConfigDump");

    /// <summary>The clusters.</summary>
    public IEnumerable<JsonObject> Clusters => Of("ClustersConfigDump", "cluster", "static_clusters", "dynamic_active_clusters");

    /// <summary>The listeners that serve.</summary>
    public IEnumerable<JsonObject> Listeners => Of("ListenersConfigDump", "listener", "static_listeners")
        .Concat((Part("ListenersConfigDump")?["dynamic_listeners"] as JsonArray ?? []).Select(entry => entry?["active_state"]?["listener"]).OfType<JsonObject>());

    /// <summary>The route configurations.</summary>
    public IEnumerable<JsonObject> Routes => Of("RoutesConfigDump", "route_config", "static_route_configs", "dynamic_route_configs");

    /// <summary>The endpoints, cluster by cluster; only in a dump that was asked for with include_eds.</summary>
    public IEnumerable<JsonObject> Endpoints => Of("EndpointsConfigDump", "endpoint_config", "static_endpoint_configs", "dynamic_endpoint_configs");

    /// <summary>Reads a config_dump.</summary>
    /// <exception cref="CommandFailedException">It is none.</exception>
    public static ProxyDump Parse(string text, string where)
    {
        try
        {
            if (JsonNode.Parse(text)?["configs"] is JsonArray configs) return new ProxyDump([.. configs.OfType<JsonObject>()]);
        }
        catch (JsonException e)
        {
            throw new CommandFailedException($"{where}: {e.Message}", e);
        }
        throw new CommandFailedException($"{where} is no config_dump: it has no list named configs");
    }

    private JsonObject? Part(string type) => _parts.FirstOrDefault(part => ((string?)part["@type"] ?? "").EndsWith("." + type, StringComparison.Ordinal));

    private IEnumerable<JsonObject> Of(string type, string field, params string[] lists) =>
        Part(type) is not { } part ? [] : lists.SelectMany(list => part[list] as JsonArray ?? []).Select(entry => entry?[field]).OfType<JsonObject>();
}
