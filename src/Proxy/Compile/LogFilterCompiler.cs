using Envoy.Config.Accesslog.V3;
using Envoy.Data.Accesslog.V3;
using Envoy.Extensions.AccessLoggers.Filters.Cel.V3;
using Lateen.Api;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Expressions;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Tracing;
using ResponseFlags = Lateen.Proxy.Http.Connections.ResponseFlags;

namespace Lateen.Proxy.Compile;

/// <summary>AccessLogFilter → <see cref="LogFilter"/>. What is not supported is refused with its path.</summary>
internal static class LogFilterCompiler
{
    /// <summary>Null for no filter.</summary>
    public static LogFilter? Compile(AccessLogFilter? filter, string path) => filter?.FilterSpecifierCase switch
    {
        null or AccessLogFilter.FilterSpecifierOneofCase.None => null,
        AccessLogFilter.FilterSpecifierOneofCase.StatusCodeFilter => Compare(filter.StatusCodeFilter.Comparison, static (in FormatContext context) => context.Info.Status, path + ".status_code_filter"),
        AccessLogFilter.FilterSpecifierOneofCase.DurationFilter => Compare(filter.DurationFilter.Comparison, static (in FormatContext context) => context.Info.End - context.Info.Start, path + ".duration_filter"),
        AccessLogFilter.FilterSpecifierOneofCase.NotHealthCheckFilter => static (in FormatContext context) => !context.Info.IsHealthCheck,
        AccessLogFilter.FilterSpecifierOneofCase.TraceableFilter => static (in FormatContext context) => context.Info.TraceReason != TraceReason.None,
        AccessLogFilter.FilterSpecifierOneofCase.RuntimeFilter => Runtime(filter.RuntimeFilter),
        AccessLogFilter.FilterSpecifierOneofCase.AndFilter => All([.. filter.AndFilter.Filters.Select((inner, i) => Compile(inner, $"{path}.and_filter.filters[{i}]")).OfType<LogFilter>()]),
        AccessLogFilter.FilterSpecifierOneofCase.OrFilter => Any([.. filter.OrFilter.Filters.Select((inner, i) => Compile(inner, $"{path}.or_filter.filters[{i}]"))]),
        AccessLogFilter.FilterSpecifierOneofCase.HeaderFilter => Header(filter.HeaderFilter, path),
        AccessLogFilter.FilterSpecifierOneofCase.ResponseFlagFilter => Flags(filter.ResponseFlagFilter, path + ".response_flag_filter.flags"),
        AccessLogFilter.FilterSpecifierOneofCase.GrpcStatusFilter => Grpc(filter.GrpcStatusFilter),
        AccessLogFilter.FilterSpecifierOneofCase.LogTypeFilter => Type(filter.LogTypeFilter),
        AccessLogFilter.FilterSpecifierOneofCase.MetadataFilter => Metadata(filter.MetadataFilter, path + ".metadata_filter"),
        AccessLogFilter.FilterSpecifierOneofCase.ExtensionFilter when filter.ExtensionFilter.TypedConfig is { } any && any.TryRead<ExpressionFilter>(out var expression) =>
            Expression(CelParser.Parse(expression.Expression, path + ".extension_filter.typed_config.expression")),
        AccessLogFilter.FilterSpecifierOneofCase.ExtensionFilter => throw new ConfigRefusedException(path + ".extension_filter", $"{filter.ExtensionFilter.Name} ({filter.ExtensionFilter.TypedConfig?.TypeUrl}) is not supported"),
        var other => throw new ConfigRefusedException(path, $"the filter {other} is not supported"),
    };

    private delegate long Reader(in FormatContext context);

    private static LogFilter Compare(ComparisonFilter? comparison, Reader read, string path)
    {
        if (comparison?.Value is null) throw new ConfigRefusedException(path + ".comparison", "is missing");
        long value = comparison.Value.DefaultValue;
        return comparison.Op switch
        {
            ComparisonFilter.Types.Op.Ge => (in FormatContext context) => read(context) >= value,
            ComparisonFilter.Types.Op.Le => (in FormatContext context) => read(context) <= value,
            ComparisonFilter.Types.Op.Ne => (in FormatContext context) => read(context) != value,
            _ => (in FormatContext context) => read(context) == value,
        };
    }

    private static LogFilter All(LogFilter[] filters) => (in FormatContext context) =>
    {
        foreach (var filter in filters)
            if (!filter(context))
                return false;
        return true;
    };

    private static LogFilter Any(LogFilter?[] filters) => (in FormatContext context) =>
    {
        foreach (var filter in filters)
            if (filter is null || filter(context))
                return true;
        return false;
    };

    private static LogFilter Header(HeaderFilter filter, string path)
    {
        var match = new HeaderMatch(filter.Header, path + ".header_filter.header");
        return (in FormatContext context) => match.IsMatch(context.Request);
    }

    private static LogFilter Expression(CelNode expression) => (in FormatContext context) => expression.Evaluate(context).IsTrue;

    private static LogFilter Grpc(GrpcStatusFilter filter)
    {
        var statuses = filter.Statuses.Select(status => (int)status).ToHashSet();
        return (in FormatContext context) => statuses.Contains(GrpcStatus.Of(context.ResponseTrailers, context.Response) is >= 0 and var status ? status : 2) != filter.Exclude;
    }

    private static LogFilter Type(LogTypeFilter filter)
    {
        var types = filter.Types_.ToHashSet();
        return (in FormatContext context) => types.Contains(context.Info.IsTcp ? AccessLogType.TcpConnectionEnd : AccessLogType.DownstreamEnd) != filter.Exclude;
    }

    private static LogFilter Metadata(MetadataFilter filter, string path)
    {
        if (filter.Matcher is not { } matcher) throw new ConfigRefusedException(path + ".matcher", "is missing");
        var (name, keys) = (matcher.Filter, matcher.Path.Select(part => part.Key).ToArray());
        var match = new MetadataMatch(matcher, path + ".matcher");
        var whenAbsent = filter.MatchIfKeyNotFound ?? true;
        return (in FormatContext context) => context.Info.Metadata.Find(name, keys) is null ? whenAbsent : match.IsMatch(context.Info.Metadata);
    }

    /// <summary>A share of the requests: by the request's id, so that all proxies choose the same ones, unless it is to be independent.</summary>
    private static LogFilter Runtime(RuntimeFilter filter)
    {
        var (numerator, denominator) = ((double)(filter.PercentSampled?.Numerator ?? 0), filter.PercentSampled?.Denominator switch
        {
            Envoy.Type.V3.FractionalPercent.Types.DenominatorType.TenThousand => 10_000.0,
            Envoy.Type.V3.FractionalPercent.Types.DenominatorType.Million => 1_000_000.0,
            _ => 100.0,
        });
        return (in FormatContext context) =>
        {
            var id = context.Request[KnownHeader.RequestId];
            var point = filter.UseIndependentRandomness || id.Length < 8 || !System.Buffers.Text.Utf8Parser.TryParse(id[..8], out uint hash, out _, 'x') ? Random.Shared.NextDouble() * denominator : hash % denominator;
            return point < numerator;
        };
    }

    private static LogFilter Flags(ResponseFlagFilter filter, string path)
    {
        if (filter.Flags.Count == 0) return static (in FormatContext context) => context.Info.Flags != ResponseFlags.None;
        var wanted = ResponseFlags.None;
        foreach (var word in filter.Flags) wanted |= FormatOperators.FlagOf(word) ?? throw new ConfigRefusedException(path, $"'{word}' is not a response flag that is ever set");
        return (in FormatContext context) => (context.Info.Flags & wanted) != 0;
    }
}
