using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Config.Validation;

namespace Lateen.Config.Reading;

/// <summary>
/// Reads a JSON tree into a protobuf message as leniently and as strictly as Istio does, and reports every problem with its
/// path. A null element of a list or map is an empty element; a null field is absent. Owned by one call.
/// </summary>
/// <remarks>
/// parity: golang/protobuf jsonpb 1.5 <c>Unmarshaler.unmarshalMessage</c>: both spellings of a name, the JSON one winning;
/// of two members of a oneof the later declared; durations in Go's syntax.
/// </remarks>
/// <param name="withRetired">Whether fields that ended with Istio 1.1 are known.</param>
internal sealed class ProtoJsonReader(bool withRetired = true)
{
    private readonly List<FieldProblem> _errors = [];
    private readonly List<FieldProblem> _unknown = [];
    private readonly List<string> _emptyMaps = [];

    /// <summary>Values that do not fit their fields.</summary>
    public IReadOnlyList<FieldProblem> Errors => _errors;

    /// <summary>Fields that the message does not have.</summary>
    public IReadOnlyList<FieldProblem> Unknown => _unknown;

    /// <summary>Paths of maps that were given without entries.</summary>
    public IReadOnlyList<string> EmptyMaps => _emptyMaps;

    /// <summary>A new message of the given type, filled from the tree.</summary>
    public IMessage Read(MessageDescriptor type, JsonNode? node, FieldPath path)
    {
        var message = type.Parser.ParseFrom(ByteString.Empty);
        Fill(message, node, path);
        return message;
    }

    /// <summary>Replaces in a message whatever the tree has; fields that it has not stay.</summary>
    public void Apply(IMessage message, JsonNode? node, FieldPath path) => Fill(message, node, path);

    private void Fill(IMessage message, JsonNode? node, FieldPath path)
    {
        if (WellKnown(message, node, path) || node is null) return;
        if (node is not JsonObject tree)
        {
            Mismatch(path, node, "object");
            return;
        }
        var known = 0;
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            JsonNode? value = null;
            var present = false;
            if (field.Name != field.JsonName && tree.TryGetPropertyValue(field.Name, out var original)) (value, present, known) = (original, true, known + 1);
            if (tree.TryGetPropertyValue(field.JsonName, out var json)) (value, present, known) = (json, true, known + 1);
            if (present && !withRetired && RetiredFields.Has(field))
            {
                NoteUnknown(path[field.JsonName]);
                continue;
            }
            if (!present || (value is null && !IsValue(field))) continue;
            ReadField(message, field, value, path[field.JsonName]);
        }
        if (known < tree.Count) ReportUnknown(message.Descriptor, tree, path);
    }

    private void ReportUnknown(MessageDescriptor type, JsonObject tree, FieldPath path)
    {
        foreach (var (name, _) in tree)
        {
            if (type.Fields.InDeclarationOrder().Any(field => field.Name == name || field.JsonName == name)) continue;
            NoteUnknown(path[name]);
        }
    }

    private void NoteUnknown(FieldPath path)
    {
        var at = path.ToString();
        _unknown.Add(new FieldProblem(at, $"unknown field {GoText.Quote(at)}"));
    }

    private void ReadField(IMessage message, FieldDescriptor field, JsonNode? value, FieldPath path)
    {
        if (field.IsMap) ReadMap((IDictionary)field.Accessor.GetValue(message), field, value, path);
        else if (field.IsRepeated) ReadList((IList)field.Accessor.GetValue(message), field, value, path);
        else if (Single(field, value, path) is { } single) field.Accessor.SetValue(message, single);
    }

    private void ReadList(IList list, FieldDescriptor field, JsonNode? value, FieldPath path)
    {
        if (value is not JsonArray items)
        {
            Mismatch(path, value, "array");
            return;
        }
        list.Clear();
        for (var i = 0; i < items.Count; i++)
            if (Single(field, items[i], path[i]) is { } single)
                list.Add(single);
    }

    private void ReadMap(IDictionary map, FieldDescriptor field, JsonNode? value, FieldPath path)
    {
        if (value is not JsonObject entries)
        {
            Mismatch(path, value, "object");
            return;
        }
        map.Clear();
        if (entries.Count == 0) _emptyMaps.Add(path.ToString());
        var keyField = field.MessageType.FindFieldByNumber(1);
        var valueField = field.MessageType.FindFieldByNumber(2);
        foreach (var (name, node) in entries)
        {
            var at = path.Key(name);
            var key = keyField.FieldType == FieldType.String ? name : JsonScalars.Read(keyField, JsonValue.Create(name), out _);
            if (keyField.FieldType == FieldType.Bool) key = name switch { "true" => true, "false" => false, _ => null };
            if (key is null) _errors.Add(new FieldProblem(at.ToString(), $"{GoText.Quote(name)} is not a key of type {keyField.FieldType.ToString().ToLowerInvariant()}"));
            else if (Single(valueField, node, at) is { } single) map[key] = single;
        }
    }

    private object? Single(FieldDescriptor field, JsonNode? value, FieldPath path)
    {
        string? error;
        object? result;
        if (field.FieldType is FieldType.Message or FieldType.Group)
        {
            if (WrappedField(field.MessageType) is not { } wrapped) return Read(field.MessageType, value, path);
            result = JsonScalars.Read(wrapped, value, out error);
        }
        else
        {
            result = JsonScalars.Read(field, value, out error);
        }
        if (error is not null) _errors.Add(new FieldProblem(path.ToString(), error));
        return result;
    }

    /// <summary>C# shows wrapper messages as nullable scalars, so they are read as such.</summary>
    private static FieldDescriptor? WrappedField(MessageDescriptor type) =>
        type.File.Name == "google/protobuf/wrappers.proto" ? type.FindFieldByNumber(1) : null;

    private static bool IsValue(FieldDescriptor field) =>
        !field.IsRepeated && field.FieldType == FieldType.Message && field.MessageType.FullName == "google.protobuf.Value";

    private bool WellKnown(IMessage message, JsonNode? node, FieldPath path)
    {
        switch (message)
        {
            case Duration duration:
                ReadDuration(duration, node, path);
                return true;
            case Timestamp timestamp:
                ReadTimestamp(timestamp, node, path);
                return true;
            case Struct tree:
                if (node is JsonObject fields)
                    foreach (var (name, value) in fields) tree.Fields[name] = ProtoValues.ToValue(value);
                else if (node is not null) Mismatch(path, node, "object");
                return true;
            case Value value:
                value.MergeFrom(ProtoValues.ToValue(node));
                return true;
            case ListValue list:
                if (node is JsonArray items) list.Values.AddRange(items.Select(ProtoValues.ToValue));
                else if (node is not null) Mismatch(path, node, "array");
                return true;
            default:
                return false;
        }
    }

    private void ReadDuration(Duration duration, JsonNode? node, FieldPath path)
    {
        if (node is null) return;
        if (node.GetValueKind() != JsonValueKind.String)
        {
            Mismatch(path, node, "duration, a string such as \"1.5s\"");
            return;
        }
        if (!GoDuration.TryParse(node.GetValue<string>(), out var nanoseconds, out var error))
        {
            _errors.Add(new FieldProblem(path.ToString(), $"bad Duration: {error}"));
            return;
        }
        (duration.Seconds, duration.Nanos) = (nanoseconds / 1_000_000_000, (int)(nanoseconds % 1_000_000_000));
    }

    private void ReadTimestamp(Timestamp timestamp, JsonNode? node, FieldPath path)
    {
        if (node is null) return;
        if (node.GetValueKind() == JsonValueKind.String
            && DateTimeOffset.TryParse(node.GetValue<string>(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            timestamp.MergeFrom(Timestamp.FromDateTimeOffset(time));
            return;
        }
        Mismatch(path, node, "timestamp, a string such as \"2026-01-02T03:04:05Z\"");
    }

    private void Mismatch(FieldPath path, JsonNode? node, string wanted)
    {
        JsonScalars.Mismatch(node?.GetValueKind() ?? JsonValueKind.Null, wanted, out var error);
        _errors.Add(new FieldProblem(path.ToString(), error!));
    }
}
