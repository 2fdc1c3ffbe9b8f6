using Envoy.Config.Accesslog.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Envoy.Extensions.AccessLoggers.Filters.Cel.V3;
using Envoy.Extensions.AccessLoggers.Grpc.V3;
using Envoy.Extensions.AccessLoggers.OpenTelemetry.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using Opentelemetry.Proto.Common.V1;
using OtelLog = Istio.Mesh.V1Alpha1.MeshConfig.Types.ExtensionProvider.Types.EnvoyOpenTelemetryLogProvider;
using Provider = Istio.Mesh.V1Alpha1.MeshConfig.Types.ExtensionProvider;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>The access logs of the mesh's extension providers (pilot/pkg/model/telemetry_logging.go).</summary>
internal static class ProviderLogs
{
    private const string HttpLogName = "http_envoy_accesslog";
    private const string TcpLogName = "tcp_envoy_accesslog";
    private const string OtelLogName = "otel_envoy_accesslog";

    private static readonly string[] Peers = ["upstream_peer", "downstream_peer"];
    private static readonly string[] PeersOfEveryAge = ["upstream_peer", "downstream_peer", "wasm.upstream_peer", "wasm.upstream_peer_id", "wasm.downstream_peer", "wasm.downstream_peer_id"];

    /// <summary>Null for a provider that does not log.</summary>
    public static AccessLog? Build(ProviderLog log)
    {
        var built = log.Provider.ProviderCase switch
        {
            Provider.ProviderOneofCase.EnvoyFileAccessLog => File(log.Provider.EnvoyFileAccessLog),
            Provider.ProviderOneofCase.EnvoyHttpAls => Http(log.Provider.EnvoyHttpAls),
            Provider.ProviderOneofCase.EnvoyTcpAls => Tcp(log.Provider.EnvoyTcpAls),
            Provider.ProviderOneofCase.EnvoyOtelAls => Otel(log.Provider.EnvoyOtelAls),
            _ => null,
        };
        if (built != null && log.Expression.Length > 0) built.Filter = Expression(log.Expression);
        return built;
    }

    public static AccessLogFilter Expression(string expression) => new()
    {
        ExtensionFilter = new() { Name = "envoy.access_loggers.extension_filters.cel", TypedConfig = Any.Pack(new ExpressionFilter { Expression = expression }) },
    };

    private static AccessLog File(Provider.Types.EnvoyFileAccessLogProvider file)
    {
        var format = file.LogFormat?.LogFormatCase switch
        {
            Provider.Types.EnvoyFileAccessLogProvider.Types.LogFormat.LogFormatOneofCase.Text => AccessLogs.TextFormat(file.LogFormat.Text),
            Provider.Types.EnvoyFileAccessLogProvider.Types.LogFormat.LogFormatOneofCase.Labels => AccessLogs.JsonFormat(file.LogFormat.Labels),
            _ => AccessLogs.TextFormat(""),
        };
        format.OmitEmptyValues = file.OmitEmptyValues;
        return Log("envoy.access_loggers.file", new FileAccessLog { Path = file.Path.Length > 0 ? file.Path : "/dev/stdout", LogFormat = format });
    }

    private static AccessLog Http(Provider.Types.EnvoyHttpGrpcV3LogProvider als) => Log("envoy.access_loggers.http_grpc", new HttpGrpcAccessLogConfig
    {
        CommonConfig = Common(als.Service, als.Port, als.LogName, HttpLogName, als.FilterStateObjectsToLog, Peers),
        AdditionalRequestHeadersToLog = { als.AdditionalRequestHeadersToLog },
        AdditionalResponseHeadersToLog = { als.AdditionalResponseHeadersToLog },
        AdditionalResponseTrailersToLog = { als.AdditionalResponseTrailersToLog },
    });

    private static AccessLog Tcp(Provider.Types.EnvoyTcpGrpcV3LogProvider als) => Log("envoy.access_loggers.tcp_grpc", new TcpGrpcAccessLogConfig
    {
        CommonConfig = Common(als.Service, als.Port, als.LogName, TcpLogName, als.FilterStateObjectsToLog, Peers),
    });

    private static AccessLog Otel(OtelLog als)
    {
#pragma warning disable CS0612 // istiod sends this field, and Envoys of every age know it
        var config = new OpenTelemetryAccessLogConfig
        {
            CommonConfig = Common(als.Service, als.Port, als.LogName, OtelLogName, [], PeersOfEveryAge),
            DisableBuiltinLabels = true,
            Body = new AnyValue { StringValue = als.LogFormat is { Text.Length: > 0 } text ? text.Text : AccessLogs.TextFormat("").TextFormatSource.InlineString },
        };
#pragma warning restore CS0612
        if (als.LogFormat?.Labels is { Fields.Count: > 0 } labels)
        {
            config.Attributes = new();
            foreach (var (key, value) in labels.Fields.OrderBy(f => f.Key, StringComparer.Ordinal))
                config.Attributes.Values.Add(new Opentelemetry.Proto.Common.V1.KeyValue { Key = key, Value = new() { StringValue = value.KindCase == Value.KindOneofCase.StringValue ? value.StringValue : value.ToString() } });
        }
        return Log("envoy.access_loggers.open_telemetry", config);
    }

    private static CommonGrpcAccessLogConfig Common(string service, uint port, string name, string defaultName, IReadOnlyCollection<string> states, string[] defaultStates)
    {
        var host = service[(service.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return new()
        {
            LogName = name.Length > 0 ? name : defaultName,
            GrpcService = new() { EnvoyGrpc = new() { ClusterName = ClusterName.Outbound((int)port, "", host), Authority = host } },
            TransportApiVersion = ApiVersion.V3,
            FilterStateObjectsToLog = { states.Count > 0 ? states : defaultStates },
        };
    }

    private static AccessLog Log(string name, IMessage config) => new() { Name = name, TypedConfig = Any.Pack(config) };
}
