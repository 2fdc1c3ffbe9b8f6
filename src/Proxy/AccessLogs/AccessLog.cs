using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.AccessLogs;

/// <summary>One log of finished streams: a condition, a form and a sink. Immutable but for the sink.</summary>
internal sealed class AccessLog(LogFormat format, LogFileSink sink, Func<StreamInfo, bool>? filter)
{
    /// <summary>Writes a line; on the worker.</summary>
    public void Write(StreamInfo info, HeaderMap request, HeaderMap response, ByteBuilder scratch)
    {
        if (filter is not null && !filter(info)) return;
        scratch.Clear();
        format.Write(scratch, new FormatContext(info, request, response));
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

/// <summary>A line of text.</summary>
internal sealed class TextFormat(string format, string path) : LogFormat
{
    private readonly FormatString _format = FormatString.Compile(format, path);

    public override void Write(ByteBuilder output, in FormatContext context) => _format.Write(output, context, "-"u8);
}
