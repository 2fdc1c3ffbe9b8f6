using System.Text.Json;
using Envoy.Config.Accesslog.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.AccessLoggers.File.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Istio.Mesh.V1Alpha1;
using Lateen.Pilot.Push;

namespace Lateen.Pilot.Networking.Listeners;

/// <summary>The access logs that the mesh's settings or Telemetry objects ask for (pilot/pkg/networking/core/accesslog.go).</summary>
internal static class AccessLogs
{
    private const string DefaultText =
        "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% "
        + "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% "
        + "%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" "
        + "\"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% "
        + "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

    private static readonly (string Name, string Value)[] DefaultJson =
    [
        ("authority", "%REQ(:AUTHORITY)%"), ("bytes_received", "%BYTES_RECEIVED%"), ("bytes_sent", "%BYTES_SENT%"),
        ("connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"), ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
        ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"), ("duration", "%DURATION%"), ("method", "%REQ(:METHOD)%"),
        ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"), ("protocol", "%PROTOCOL%"), ("request_id", "%REQ(X-REQUEST-ID)%"),
        ("requested_server_name", "%REQUESTED_SERVER_NAME%"), ("response_code", "%RESPONSE_CODE%"), ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
        ("response_flags", "%RESPONSE_FLAGS%"), ("route_name", "%ROUTE_NAME%"), ("start_time", "%START_TIME%"),
        ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"), ("upstream_host", "%UPSTREAM_HOST%"), ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
        ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
        ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"), ("user_agent", "%REQ(USER-AGENT)%"), ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
    ];

    /// <summary>For requests and connections; empty when nothing is to be logged.</summary>
    public static IEnumerable<AccessLog> Of(MeshSettings mesh, TelemetryPlan plan)
    {
        if (!plan.FollowsMesh) return plan.Providers.Select(ProviderLogs.Build).OfType<AccessLog>();
        return File(mesh) is { } log ? [log.Clone()] : [];
    }

    /// <summary>For a listener itself: connections that no filter chain takes.</summary>
    public static IEnumerable<AccessLog> OfListener(MeshSettings mesh, TelemetryPlan plan)
    {
        if (mesh.Config.DisableEnvoyListenerLog) yield break;
        foreach (var log in Of(mesh, plan))
        {
            var unrouted = new AccessLogFilter { ResponseFlagFilter = new() { Flags = { "NR" } } };
            log.Filter = log.Filter == null ? unrouted : new() { AndFilter = new() { Filters = { unrouted, log.Filter } } };
            yield return log;
        }
    }

    private static AccessLog? File(MeshSettings mesh) =>
        mesh.Config.AccessLogFile.Length == 0 ? null : mesh.Generated.Get("access log", mesh.Config, static c => Build(c));

    private static AccessLog Build(MeshConfig config) => new()
    {
        Name = "envoy.access_loggers.file",
        TypedConfig = Any.Pack(new FileAccessLog { Path = config.AccessLogFile, LogFormat = Format(config) }),
    };

    /// <summary>A line of text, with Istio's own format where none is given.</summary>
    public static SubstitutionFormatString TextFormat(string format)
    {
        var text = format.Length == 0 ? DefaultText : format.EndsWith('\n') ? format : format + "\n";
        return new() { TextFormatSource = new() { InlineString = text } };
    }

    public static SubstitutionFormatString JsonFormat(Struct fields) => new() { JsonFormat = fields, JsonFormatOptions = new() { SortProperties = false } };

    private static SubstitutionFormatString Format(MeshConfig config) => config.AccessLogEncoding == MeshConfig.Types.AccessLogEncoding.Json
        ? JsonFormat(Json(config.AccessLogFormat))
        : TextFormat(config.AccessLogFormat);

    /// <summary>The operator's JSON object; the default for what is none.</summary>
    private static Struct Json(string format)
    {
        if (format.Length > 0)
            try
            {
                return JsonParser.Default.Parse<Struct>(format);
            }
            catch (Exception e) when (e is InvalidProtocolBufferException or JsonException or InvalidJsonException)
            {
                // The mesh's settings are judged elsewhere; requests are logged in any case.
            }
        var result = new Struct();
        foreach (var (name, value) in DefaultJson) result.Fields[name] = Value.ForString(value);
        return result;
    }
}
