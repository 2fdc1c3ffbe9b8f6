using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Lateen.Proxy.Admin;

/// <summary>The JSON types of the admin pages.</summary>
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(bool))]
internal sealed partial class AdminJson : JsonSerializerContext;
