using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lateen.Agent;

/// <summary>The JSON types of the agent.</summary>
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(bool))]
internal sealed partial class AgentJson : JsonSerializerContext
{
    public static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, TypeInfoResolver = Default };
}
