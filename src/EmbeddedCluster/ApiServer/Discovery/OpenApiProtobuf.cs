using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Storage;
using Lateen.Foundation.Yaml;

namespace Lateen.EmbeddedCluster.ApiServer.Discovery;

/// <summary>
/// Writes an OpenAPI version 2 document in the protobuf form that kubectl reads (gnostic's openapi.v2.Document; field numbers from
/// its OpenAPIv2.proto). Only what <see cref="OpenApiDocuments"/> writes is carried. Pure.
/// </summary>
internal static class OpenApiProtobuf
{
    private static readonly (string Method, int Number)[] Methods = [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)];

    public static byte[] Encode(JsonObject document)
    {
        var target = new MemoryStream();
        Text(target, 1, document.Text("swagger"));
        Message(target, 2, info =>
        {
            Text(info, 1, document.Text("info", "title"));
            Text(info, 2, document.Text("info", "version"));
        });
        Message(target, 8, paths =>
        {
            foreach (var (path, item) in document.Child("paths") ?? [])
                Message(paths, 2, named =>
                {
                    Text(named, 1, path);
                    Message(named, 2, value => PathItem(value, (JsonObject)item!));
                });
        });
        Message(target, 9, definitions =>
        {
            foreach (var (name, schema) in document.Child("definitions") ?? []) NamedSchema(definitions, 1, name, (JsonObject)schema!);
        });
        return target.ToArray();
    }

    private static void PathItem(MemoryStream target, JsonObject item)
    {
        foreach (var (method, number) in Methods)
            if (item.Child(method) is { } operation) Message(target, number, value => Operation(value, operation));
        foreach (var parameter in item.Items("parameters")) Parameter(target, 9, parameter);
    }

    private static void Operation(MemoryStream target, JsonObject operation)
    {
        Text(target, 5, operation.Text("operationId"));
        foreach (var parameter in operation.Items("parameters")) Parameter(target, 8, parameter);
        Message(target, 9, responses =>
        {
            foreach (var (code, response) in operation.Child("responses") ?? [])
                Message(responses, 1, named =>
                {
                    Text(named, 1, code);
                    Message(named, 2, value => Message(value, 1, body =>
                    {
                        Text(body, 1, response.Text("description"));
                        if (response.Child("schema") is { } schema) Message(body, 2, item => Message(item, 1, inner => Schema(inner, schema)));
                    }));
                });
        });
        Extensions(target, 13, operation);
    }

    private static void Parameter(MemoryStream target, int number, JsonObject parameter) => Message(target, number, item => Message(item, 1, one =>
    {
        if (parameter.Text("in") == "body")
        {
            Message(one, 1, body =>
            {
                Text(body, 2, parameter.Text("name"));
                Text(body, 3, "body");
                Flag(body, 4, parameter.Flag("required"));
                if (parameter.Child("schema") is { } schema) Message(body, 5, inner => Schema(inner, schema));
            });
            return;
        }
        var query = parameter.Text("in") == "query";
        Message(one, 2, plain => Message(plain, query ? 3 : 4, value =>
        {
            Flag(value, 1, parameter.Flag("required"));
            Text(value, 2, parameter.Text("in"));
            Text(value, 3, parameter.Text("description"));
            Text(value, 4, parameter.Text("name"));
            Text(value, query ? 6 : 5, parameter.Text("type"));
        }));
    }));

    private static void NamedSchema(MemoryStream target, int number, string name, JsonObject schema) => Message(target, number, named =>
    {
        Text(named, 1, name);
        Message(named, 2, value => Schema(value, schema));
    });

    private static void Schema(MemoryStream target, JsonObject schema)
    {
        Text(target, 1, schema.Text("$ref"));
        Text(target, 2, schema.Text("format"));
        Text(target, 4, schema.Text("description"));
        foreach (var name in schema.Texts("required")) Text(target, 19, name);
        foreach (var value in schema["enum"] as JsonArray ?? []) Message(target, 20, any => Text(any, 2, Yaml(value)));
        if (schema.Child("additionalProperties") is { } values) Message(target, 21, item => Message(item, 1, inner => Schema(inner, values)));
        if (schema.Text("type") is { } type) Message(target, 22, item => Text(item, 1, type));
        if (schema.Child("items") is { } items) Message(target, 23, item => Message(item, 1, inner => Schema(inner, items)));
        if (schema.Child("properties") is { } properties)
            Message(target, 25, all =>
            {
                foreach (var (name, property) in properties) NamedSchema(all, 1, name, (JsonObject)property!);
            });
        Extensions(target, 31, schema);
    }

    private static void Extensions(MemoryStream target, int number, JsonObject source)
    {
        foreach (var (name, value) in source)
        {
            if (!name.StartsWith("x-", StringComparison.Ordinal)) continue;
            Message(target, number, named =>
            {
                Text(named, 1, name);
                Message(named, 2, any => Text(any, 2, Yaml(value)));
            });
        }
    }

    private static string Yaml(JsonNode? value) =>
        value is JsonValue scalar && scalar.GetValueKind() == JsonValueKind.String ? scalar.GetValue<string>() + "\n" : YamlWriter.ToYaml(value);

    private static void Message(MemoryStream target, int number, Action<MemoryStream> write)
    {
        var inner = new MemoryStream();
        write(inner);
        Varint(target, (ulong)number << 3 | 2);
        Varint(target, (ulong)inner.Length);
        inner.WriteTo(target);
    }

    private static void Text(MemoryStream target, int number, string? text)
    {
        if (string.IsNullOrEmpty(text)) return;
        var bytes = Encoding.UTF8.GetBytes(text);
        Varint(target, (ulong)number << 3 | 2);
        Varint(target, (ulong)bytes.Length);
        target.Write(bytes);
    }

    private static void Flag(MemoryStream target, int number, bool value)
    {
        if (!value) return;
        Varint(target, (ulong)number << 3);
        Varint(target, 1);
    }

    private static void Varint(MemoryStream target, ulong value)
    {
        for (; value >= 0x80; value >>= 7) target.WriteByte((byte)(value | 0x80));
        target.WriteByte((byte)value);
    }
}
