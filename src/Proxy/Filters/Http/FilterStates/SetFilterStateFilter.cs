using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Common.SetFilterState.V3;
using Envoy.Extensions.Filters.Http.SetFilterState.V3;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Filters.Http.Alpn;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Filters.Http.FilterStates;

/// <summary>Writes objects into the filter state of every request. Immutable. Source: Envoy's set_filter_state filter.</summary>
internal sealed class SetFilterStateFilter : IHttpFilter
{
    private readonly (string Key, Func<string, object> Make, FormatString Value, bool ReadOnly, bool SkipEmpty)[] _values;

    public SetFilterStateFilter(Config config, string path) =>
        _values = [.. config.OnRequestHeaders.Select((value, i) => Compile(value, $"{path}.on_request_headers[{i}]"))];

    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        foreach (var (key, make, value, readOnly, skipEmpty) in _values)
        {
            exchange.Scratch.Clear();
            value.Write(exchange.Scratch, exchange.Format, default);
            if (exchange.Scratch.Length == 0 && skipEmpty) continue;
            // An object that may only be read is made once.
            if (readOnly && exchange.Info.FilterState.Find(key) is not null) continue;
            exchange.Info.FilterState.Set(key, make(Encoding.UTF8.GetString(exchange.Scratch.Span)));
        }
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    private static (string, Func<string, object>, FormatString, bool, bool) Compile(FilterStateValue value, string path)
    {
        if (value.ObjectKey.Length == 0) throw new ConfigRefusedException(path + ".object_key", "is empty");
        var factory = value.FactoryKey.Length > 0 ? value.FactoryKey : value.ObjectKey;
        Func<string, object> make = factory switch
        {
            "envoy.string" => static text => text,
            AlpnFilter.Key => static text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            _ => throw new ConfigRefusedException(path + (value.FactoryKey.Length > 0 ? ".factory_key" : ".object_key"), $"no object is made for '{factory}'"),
        };
        return (value.ObjectKey, make, Text(value.FormatString, path + ".format_string"), value.ReadOnly, value.SkipIfEmpty);
    }

    private static FormatString Text(SubstitutionFormatString? format, string path) => format?.FormatCase switch
    {
#pragma warning disable CS0612 // The older form is still sent.
        SubstitutionFormatString.FormatOneofCase.TextFormat => FormatString.Compile(format.TextFormat, path + ".text_format"),
#pragma warning restore CS0612
        SubstitutionFormatString.FormatOneofCase.TextFormatSource when format.TextFormatSource.SpecifierCase == DataSource.SpecifierOneofCase.InlineString =>
            FormatString.Compile(format.TextFormatSource.InlineString, path + ".text_format_source"),
        _ => throw new ConfigRefusedException(path, "must be text_format_source.inline_string"),
    };
}
