using Envoy.Config.Core.V3;
using Envoy.Extensions.AccessLoggers.Grpc.V3;
using Envoy.Extensions.AccessLoggers.OpenTelemetry.V3;
using Envoy.Extensions.AccessLoggers.Stream.V3;
using Lateen.Api;
using Lateen.Proxy.AccessLogs;
using FileConfig = Envoy.Extensions.AccessLoggers.File.V3.FileAccessLog;

namespace Lateen.Proxy.Compile;

/// <summary>AccessLog → loggers. What is not supported is refused with its path.</summary>
internal static class AccessLogCompiler
{
    public static AccessLog[] Compile(IReadOnlyList<Envoy.Config.Accesslog.V3.AccessLog> logs, ProxyContext context, string path) => [.. logs.Select((log, i) => Compile(log, context, $"{path}[{i}]"))];

    private static AccessLog Compile(Envoy.Config.Accesslog.V3.AccessLog log, ProxyContext context, string path)
    {
        if (log.TypedConfig is not { } any) throw new ConfigRefusedException(path, $"{log.Name} has no typed_config");
        var (at, filter) = (path + ".typed_config", LogFilterCompiler.Compile(log.Filter, path + ".filter"));
        if (any.TryRead<FileConfig>(out var file)) return new FileAccessLog(Format(file, at), LogFileSink.For(file.Path), filter);
        if (any.TryRead<StdoutAccessLog>(out var stdout)) return new FileAccessLog(OrDefault(stdout.LogFormat, at), LogFileSink.For("/dev/stdout"), filter);
        if (any.TryRead<StderrAccessLog>(out var stderr)) return new FileAccessLog(OrDefault(stderr.LogFormat, at), LogFileSink.For("/dev/stderr"), filter);
        if (any.TryRead<HttpGrpcAccessLogConfig>(out var http))
            return new GrpcAccessLog(
                context.LogService(http.CommonConfig, at + ".common_config"), http.AdditionalRequestHeadersToLog, http.AdditionalResponseHeadersToLog, http.AdditionalResponseTrailersToLog,
                http.CommonConfig.FilterStateObjectsToLog, filter);
        if (any.TryRead<TcpGrpcAccessLogConfig>(out var tcp))
            return new GrpcAccessLog(context.LogService(tcp.CommonConfig, at + ".common_config"), [], [], [], tcp.CommonConfig.FilterStateObjectsToLog, filter);
        if (any.TryRead<OpenTelemetryAccessLogConfig>(out var otel)) return OtlpAccessLog.Compile(otel, context, filter, at);
        throw new ConfigRefusedException(path, $"the access logger {log.Name} ({any.TypeUrl}) is not supported");
    }

    private static LogFormat Format(FileConfig file, string path) => file.AccessLogFormatCase switch
    {
#pragma warning disable CS0612 // The older forms are still sent.
        FileConfig.AccessLogFormatOneofCase.Format => new TextFormat(file.Format, path + ".format"),
        FileConfig.AccessLogFormatOneofCase.JsonFormat => new JsonFormat(file.JsonFormat, path + ".json_format"),
        FileConfig.AccessLogFormatOneofCase.TypedJsonFormat => new JsonFormat(file.TypedJsonFormat, path + ".typed_json_format"),
#pragma warning restore CS0612
        _ => OrDefault(file.LogFormat, path),
    };

    private static LogFormat OrDefault(SubstitutionFormatString? format, string path) => format is null ? new TextFormat(LogFormat.EnvoyDefault, path) : Format(format, path + ".log_format");

    private static LogFormat Format(SubstitutionFormatString format, string path)
    {
        for (var i = 0; i < format.Formatters.Count; i++)
            // Envoy's operators of these extensions are among ours always.
            if (format.Formatters[i].TypedConfig?.TypeUrl.Split('/')[^1] is not ("envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery" or "envoy.extensions.formatter.metadata.v3.Metadata" or "envoy.extensions.formatter.cel.v3.Cel"))
                throw new ConfigRefusedException($"{path}.formatters[{i}]", $"{format.Formatters[i].Name} is not supported");
        return format.FormatCase switch
        {
#pragma warning disable CS0612 // The older form is still sent.
            SubstitutionFormatString.FormatOneofCase.TextFormat => new TextFormat(format.TextFormat, path + ".text_format", format.OmitEmptyValues),
#pragma warning restore CS0612
            SubstitutionFormatString.FormatOneofCase.JsonFormat => new JsonFormat(format.JsonFormat, path + ".json_format", format.OmitEmptyValues),
            SubstitutionFormatString.FormatOneofCase.TextFormatSource when format.TextFormatSource.SpecifierCase == DataSource.SpecifierOneofCase.InlineString =>
                new TextFormat(format.TextFormatSource.InlineString, path + ".text_format_source", format.OmitEmptyValues),
            SubstitutionFormatString.FormatOneofCase.TextFormatSource => throw new ConfigRefusedException(path + ".text_format_source", $"{format.TextFormatSource.SpecifierCase} is not supported: give inline_string"),
            _ => throw new ConfigRefusedException(path, "has no format"),
        };
    }
}
