using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using ProviderConfig = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtProvider;

namespace Lateen.Proxy.Filters.Http.JwtAuthn;

/// <summary>What a good token changes in its request: headers, metadata, and that it is taken out. Immutable.</summary>
internal sealed class TokenEffects(ProviderConfig config)
{
    public const string Namespace = "envoy.filters.http.jwt_authn";
    private readonly byte[] _payloadHeader = Encoding.ASCII.GetBytes(config.ForwardPayloadHeader.ToLowerInvariant());
    private readonly (byte[] Header, string[] Claim)[] _claims = [.. config.ClaimToHeaders.Select(claim => (Encoding.ASCII.GetBytes(claim.HeaderName.ToLowerInvariant()), claim.ClaimName.Split('.')))];

    /// <summary>Removes headers that only this filter may set.</summary>
    public void Strip(HeaderMap request)
    {
        if (_payloadHeader.Length > 0) request.Remove(_payloadHeader);
        foreach (var (header, _) in _claims) request.Remove(header);
    }

    public void Apply(HttpExchange exchange, JsonWebToken token, FoundToken found)
    {
        var request = exchange.Request;
        if (_payloadHeader.Length > 0)
            request.Set(_payloadHeader, Encoding.ASCII.GetBytes(config.PadForwardPayloadHeader ? token.PayloadText.PadRight((token.PayloadText.Length + 3) / 4 * 4, '=') : token.PayloadText));
        foreach (var (header, claim) in _claims)
            if (Walk(token.Payload, claim) is { } value && Text(value) is { } text && HttpText.IsFieldValue(Encoding.UTF8.GetBytes(text)))
                request.Set(header, Encoding.UTF8.GetBytes(text));
        if (!config.Forward)
        {
            if (found.Header is { } name) request.Remove(name);
            else if (found.Parameter is { } parameter) request.Set(KnownHeader.Path, Encoding.Latin1.GetBytes(QueryText.Without(Encoding.Latin1.GetString(request[KnownHeader.Path]), parameter)));
        }
        if (config.PayloadInMetadata.Length > 0) exchange.Info.Metadata.Set(Namespace, config.PayloadInMetadata, Value.ForStruct(Normalized(ToStruct(token.Payload))));
        if (config.HeaderInMetadata.Length > 0) exchange.Info.Metadata.Set(Namespace, config.HeaderInMetadata, Value.ForStruct(ToStruct(token.Header)));
        if (config.ClearRouteCache && (_claims.Length > 0 || config.PayloadInMetadata.Length > 0)) exchange.ChooseRoute();
    }

    public void Failed(HttpExchange exchange, JwtStatus status)
    {
        if (config.FailedStatusInMetadata.Length == 0) return;
        var fields = new Struct { Fields = { ["code"] = Value.ForNumber((int)status), ["message"] = Value.ForString(JwtStatusText.Of(status)) } };
        exchange.Info.Metadata.Set(Namespace, config.FailedStatusInMetadata, Value.ForStruct(fields));
    }

    private Struct Normalized(Struct payload)
    {
        foreach (var claim in config.NormalizePayloadInMetadata?.SpaceDelimitedClaims ?? [])
            if (payload.Fields.TryGetValue(claim, out var value) && value.KindCase == Value.KindOneofCase.StringValue)
                payload.Fields[claim] = Value.ForList([.. value.StringValue.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Value.ForString)]);
        return payload;
    }

    private static JsonElement? Walk(JsonElement element, string[] path)
    {
        foreach (var key in path)
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(key, out element))
                return null;
        return element;
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Number when value.TryGetInt64(out var whole) => whole.ToString(CultureInfo.InvariantCulture),
        JsonValueKind.Number => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        JsonValueKind.Array or JsonValueKind.Object => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(value.GetRawText())),
        _ => null,
    };

    private static Struct ToStruct(JsonElement element)
    {
        var fields = new Struct();
        foreach (var property in element.EnumerateObject()) fields.Fields[property.Name] = ToValue(property.Value);
        return fields;
    }

    private static Value ToValue(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => Value.ForString(element.GetString()),
        JsonValueKind.Number => Value.ForNumber(element.GetDouble()),
        JsonValueKind.True or JsonValueKind.False => Value.ForBool(element.GetBoolean()),
        JsonValueKind.Object => Value.ForStruct(ToStruct(element)),
        JsonValueKind.Array => Value.ForList([.. element.EnumerateArray().Select(ToValue)]),
        _ => Value.ForNull(),
    };
}
