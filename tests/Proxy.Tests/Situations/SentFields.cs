using System.Collections;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;

namespace Lateen.Proxy.Tests.Situations;

/// <summary>Every field that is set somewhere in a number of resources, and whether one of these was accepted.</summary>
internal sealed class SentFields
{
    private static readonly Comparer<FieldDescriptor> ByNumber = Comparer<FieldDescriptor>.Create((one, other) => one.FieldNumber.CompareTo(other.FieldNumber));

    public SortedDictionary<string, SortedDictionary<FieldDescriptor, bool>> Fields { get; } = new(StringComparer.Ordinal);

    /// <summary>A resource as a recording has it.</summary>
    public static IMessage Read(JsonNode? resource)
    {
        var copy = resource!.DeepClone().AsObject();
        var type = AnyRegistry.Find((string)copy["@type"]!)!;
        copy.Remove("@type");
        return AnyRegistry.Parse(copy.ToJsonString(), type);
    }

    public void Note(IMessage message, bool isAccepted)
    {
        if (message is Any any)
        {
            if (AnyRegistry.Find(any.TypeUrl) is { } type) Note(type.Parser.ParseFrom(any.Value), isAccepted);
            return;
        }
        // Structures and wrappers have no fields of their own that could be supported or not.
        if (message.Descriptor.FullName.StartsWith("google.protobuf.", StringComparison.Ordinal)) return;
        if (!Fields.TryGetValue(message.Descriptor.FullName, out var known)) Fields[message.Descriptor.FullName] = known = new SortedDictionary<FieldDescriptor, bool>(ByNumber);
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            var value = field.Accessor.GetValue(message);
            if (!IsSet(message, field, value)) continue;
            known[field] = known.GetValueOrDefault(field) || isAccepted;
            foreach (var inner in Messages(field, value)) Note(inner, isAccepted);
        }
    }

    private static bool IsSet(IMessage message, FieldDescriptor field, object? value) => value switch
    {
        ICollection list => list.Count > 0,
        null or "" or false => false,
        string or IMessage => true,
        ByteString bytes => bytes.Length > 0,
        _ when field.HasPresence => field.Accessor.HasValue(message),
        _ => Convert.ToDouble(value, CultureInfo.InvariantCulture) != 0,
    };

    private static IEnumerable<IMessage> Messages(FieldDescriptor field, object? value) =>
        field.IsMap ? ((IDictionary)value!).Values.OfType<IMessage>() : field.IsRepeated ? ((IList)value!).OfType<IMessage>() : value is IMessage one ? [one] : [];
}
