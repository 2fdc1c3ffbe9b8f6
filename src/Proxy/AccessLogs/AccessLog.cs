using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.AccessLogs;

/// <summary>Whether a finished stream is logged; on the worker.</summary>
internal delegate bool LogFilter(in FormatContext context);

/// <summary>One log of finished streams: a condition, and in the heirs a form and where it goes. Immutable but for the sink.</summary>
internal abstract class AccessLog(LogFilter? filter)
{
    /// <summary>Logs a stream; on the worker.</summary>
    public void Write(in FormatContext context, ByteBuilder scratch)
    {
        if (filter is null || filter(context)) Log(context, scratch);
    }

    protected abstract void Log(in FormatContext context, ByteBuilder scratch);
}

/// <summary>Lines in a file.</summary>
internal sealed class FileAccessLog(LogFormat format, LogFileSink sink, LogFilter? filter) : AccessLog(filter)
{
    protected override void Log(in FormatContext context, ByteBuilder scratch)
    {
        scratch.Clear();
        format.Write(scratch, context);
        sink.Write(scratch.Span);
    }
}

/// <summary>The form of a line. Immutable.</summary>
internal abstract class LogFormat
{
    /// <summary>Envoy's own default.</summary>
    public const string EnvoyDefault =
        "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
        + "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";

    public abstract void Write(ByteBuilder output, in FormatContext context);
}

/// <summary>A line of text; what has no value is a dash, or nothing when the configuration says so.</summary>
internal sealed class TextFormat(string format, string path, bool omitsEmpty = false) : LogFormat
{
    private readonly FormatString _format = FormatString.Compile(format, path);

    public override void Write(ByteBuilder output, in FormatContext context) => _format.Write(output, context, omitsEmpty ? default : "-"u8);
}

/// <summary>grpc-status of a response.</summary>
internal static class GrpcStatus
{
    /// <summary>From the trailers, else from the head of a response without body; -1 for none.</summary>
    public static int Of(HeaderMap? trailers, HeaderMap response)
    {
        var text = trailers is not null && trailers.TryGet(KnownHeader.GrpcStatus, out var value) ? value : response[KnownHeader.GrpcStatus];
        return System.Buffers.Text.Utf8Parser.TryParse(text, out int status, out var used) && used == text.Length && status >= 0 ? status : -1;
    }

    private static readonly string[] Names =
    [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange",
        "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ];

    /// <summary>Envoy's name of a status; its number when it has none.</summary>
    public static string NameOf(int status) => status < Names.Length ? Names[status] : status.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The names in the form of gRPC's constants: DEADLINE_EXCEEDED.</summary>
    public static string SnakeNameOf(int status) => status >= Names.Length || status == 0 ? NameOf(status) : string.Concat(NameOf(status).Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));
}
