using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Filters;

/// <summary>Configuration that is sent as a structure with the name of its type, as Istio sends that of its own filters.</summary>
internal static class TypedStructs
{
    /// <summary>Name of the type and the structure; no name when it is no such thing.</summary>
    public static (string? Name, Struct Value) Find(Any config)
    {
        if (config.TryRead<Udpa.Type.V1.TypedStruct>(out var old)) return (Any.GetTypeName(old.TypeUrl), old.Value ?? new Struct());
        if (config.TryRead<global::Xds.Type.V3.TypedStruct>(out var current)) return (Any.GetTypeName(current.TypeUrl), current.Value ?? new Struct());
        return (null, new Struct());
    }

    /// <summary>The message inside; the same when it is none, or of a type that is not known.</summary>
    /// <exception cref="ConfigRefusedException">The structure does not fit the type.</exception>
    public static Any Unwrap(Any config, string path)
    {
        if (Find(config) is not ({ } name, var value) || AnyRegistry.Find(name) is not { } type) return config;
        try
        {
            return Any.Pack(AnyRegistry.Parse(JsonFormatter.Default.Format(value), type));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new ConfigRefusedException(path + ".value", $"is no {type.FullName}: {e.Message}");
        }
    }
}
