using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;

/// <summary>Messages behind type URLs as canonical JSON; of a type that nobody here knows the bytes. Pure.</summary>
internal static class AnyJson
{
    /// <summary>The message with its @type.</summary>
    public static JsonNode Of(Any any)
    {
        try
        {
            return JsonNode.Parse(AnyRegistry.Formatter.Format(any))!;
        }
        catch (Exception e) when (e is InvalidOperationException or InvalidProtocolBufferException)
        {
            // A type inside it is unknown, so the whole cannot be expanded.
            return new JsonObject { ["@type"] = any.TypeUrl, ["value"] = any.Value.ToBase64() };
        }
    }

    /// <summary>What the resource is called: by its own name, or that of its cluster.</summary>
    public static string NameOf(Any any)
    {
        if (AnyRegistry.Find(any.TypeUrl) is not { } descriptor) return "";
        var field = descriptor.FindFieldByName("name") ?? descriptor.FindFieldByName("cluster_name");
        return field?.Accessor.GetValue(descriptor.Parser.ParseFrom(any.Value)) as string ?? "";
    }
}
