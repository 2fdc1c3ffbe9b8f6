using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Lateen.Api;

/// <summary>Takes messages out of an Any by the name of their type, where protobuf's own methods would load all descriptors around it. Any thread.</summary>
public static class AnyMessages
{
    /// <summary>The message inside when it is of the type; of none other is anything read.</summary>
    /// <exception cref="InvalidProtocolBufferException">The type is right and the bytes are no such message.</exception>
    public static bool TryRead<T>(this Any any, out T message)
        where T : class, IMessage<T>, new()
    {
        message = new T();
        if (Any.GetTypeName(any.TypeUrl) != NameOf<T>.Value) return false;
        message.MergeFrom(any.Value);
        return true;
    }

    /// <summary>The message inside.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is of another type, or the bytes are no such message.</exception>
    public static T Read<T>(this Any any)
        where T : class, IMessage<T>, new() =>
        // Only protobuf itself can make its exception.
        any.TryRead<T>(out var message) ? message : any.Unpack<T>();

    private static class NameOf<T>
        where T : IMessage
    {
        public static readonly string Value = AnyRegistry.NameOf<T>();
    }
}
