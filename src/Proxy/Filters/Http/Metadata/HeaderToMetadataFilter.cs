using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Envoy.Extensions.Filters.Http.HeaderToMetadata.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Filters.Http.Metadata;

/// <summary>Copies headers and cookies into dynamic metadata. Immutable. Source: Envoy's header-to-metadata filter.</summary>
internal sealed class HeaderToMetadataFilter(string name, HeaderToMetadataRules own) : IHttpFilter
{
    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        foreach (var rule in (exchange.RouteConfig<HeaderToMetadataRules>(name) ?? own).Request) rule.Apply(exchange, exchange.Request);
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
        foreach (var rule in (exchange.RouteConfig<HeaderToMetadataRules>(name) ?? own).Response) rule.Apply(exchange, exchange.Response);
    }
}

/// <summary>The rules of a filter or a route. Immutable.</summary>
internal sealed record HeaderToMetadataRules(HeaderToMetadataRule[] Request, HeaderToMetadataRule[] Response)
{
    public static HeaderToMetadataRules Compile(Config config, string path) => new(
        [.. config.RequestRules.Select((rule, i) => new HeaderToMetadataRule(rule, $"{path}.request_rules[{i}]"))],
        [.. config.ResponseRules.Select((rule, i) => new HeaderToMetadataRule(rule, $"{path}.response_rules[{i}]"))]);
}

/// <summary>One header or cookie and what is made of it. Immutable.</summary>
internal sealed class HeaderToMetadataRule
{
    private const int LongestValue = 8 * 1024;
    private const string DefaultNamespace = "envoy.lb";
    private readonly Config.Types.Rule _rule;
    private readonly byte[] _header;
    private readonly Regex? _rewrite;

    public HeaderToMetadataRule(Config.Types.Rule rule, string path)
    {
        if (rule.Header.Length == 0 == (rule.Cookie.Length == 0)) throw new ConfigRefusedException(path, "exactly one of header and cookie must be set");
        if (rule.OnHeaderPresent is null && rule.OnHeaderMissing is null) throw new ConfigRefusedException(path, "neither on_header_present nor on_header_missing is set");
        if (rule.OnHeaderMissing is { Value.Length: 0 }) throw new ConfigRefusedException(path + ".on_header_missing.value", "is empty");
        (_rule, _header) = (rule, Encoding.ASCII.GetBytes(rule.Header.ToLowerInvariant()));
        if (rule.OnHeaderPresent?.RegexValueRewrite is { } rewrite) _rewrite = SafeRegex.Compile(rewrite.Pattern?.Regex ?? "", path + ".on_header_present.regex_value_rewrite.pattern.regex", wholeText: false);
    }

    public void Apply(HttpExchange exchange, HeaderMap headers)
    {
        if (Find(headers) is { } value)
        {
            if (_rule.OnHeaderPresent is not { } present) return;
            if (_rewrite is not null) value = _rewrite.Replace(value, RouteCompiler.Re2Substitution(present.RegexValueRewrite.Substitution));
            Set(exchange, present, present.Value.Length > 0 ? present.Value : value);
            if (_rule.Remove && _header.Length > 0) headers.Remove(_header);
        }
        else if (_rule.OnHeaderMissing is { } missing) Set(exchange, missing, missing.Value);
    }

    private string? Find(HeaderMap headers)
    {
        if (_header.Length > 0) return headers.TryGet(_header, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;
        foreach (var pair in Encoding.Latin1.GetString(headers[KnownHeader.Cookie]).Split(';', StringSplitOptions.TrimEntries))
            if (pair.StartsWith(_rule.Cookie + "=", StringComparison.Ordinal))
                return pair[(_rule.Cookie.Length + 1)..].Trim('"');
        return null;
    }

    private static void Set(HttpExchange exchange, Config.Types.KeyValuePair pair, string text)
    {
        if (text.Length is 0 or > LongestValue || Decode(pair, text) is not { } value) return;
        exchange.Info.Metadata.Set(pair.MetadataNamespace.Length > 0 ? pair.MetadataNamespace : DefaultNamespace, pair.Key, value);
    }

    /// <summary>Null when the text is not of the type.</summary>
    private static Value? Decode(Config.Types.KeyValuePair pair, string text)
    {
        if (pair.Encode == Config.Types.ValueEncode.Base64)
        {
            var bytes = new byte[text.Length];
            if (!Convert.TryFromBase64String(text, bytes, out var length)) return null;
            if (pair.Type == Config.Types.ValueType.ProtobufValue) return ParseValue(bytes[..length]);
            text = Encoding.UTF8.GetString(bytes, 0, length);
        }
        return pair.Type switch
        {
            Config.Types.ValueType.String => Value.ForString(text),
            Config.Types.ValueType.Number => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? Value.ForNumber(number) : null,
            _ => ParseValue(Encoding.UTF8.GetBytes(text)),
        };
    }

    private static Value? ParseValue(byte[] bytes)
    {
        try
        {
            return Value.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
