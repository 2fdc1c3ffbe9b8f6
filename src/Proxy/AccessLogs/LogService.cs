using Envoy.Config.Core.V3;
using Envoy.Data.Accesslog.V3;
using Envoy.Extensions.AccessLoggers.Grpc.V3;
using Envoy.Service.Accesslog.V3;
using Google.Protobuf;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Tracing;
using Lateen.Rpc;
using Lateen.Rpc.Client;

namespace Lateen.Proxy.AccessLogs;

/// <summary>
/// The stream to one access log service under one log name: entries are sent some at a time, the node with the first message
/// of a stream, which stays open. Any thread. Source: envoy.service.accesslog.v3.
/// </summary>
internal sealed class LogService : IAsyncDisposable
{
    private static readonly RpcMethod<StreamAccessLogsMessage, StreamAccessLogsResponse> Method = new(RpcKind.ClientStream, "envoy.service.accesslog.v3.AccessLogService", "StreamAccessLogs");
    private readonly BatchSender<IMessage> _sender;
    private readonly Collector _collector;
    private readonly StreamAccessLogsMessage.Types.Identifier _identifier;
    private RpcDuplexCall<StreamAccessLogsMessage, StreamAccessLogsResponse>? _call;

    private LogService(Collector collector, string name, TimeSpan interval, ProxyContext context)
    {
        (_collector, _identifier) = (collector, new StreamAccessLogsMessage.Types.Identifier { LogName = name, Node = context.Node ?? new Node() });
        _sender = new BatchSender<IMessage>(interval, SendAsync, context.Log);
    }

    public static LogService Create(CommonGrpcAccessLogConfig? config, ProxyContext context, string path)
    {
        if (config is null) throw new ConfigRefusedException(path, "is missing");
        if (config.CustomTags.Count > 0) throw new ConfigRefusedException(path + ".custom_tags", "are not supported");
        if (config.GrpcStreamRetryPolicy is not null) throw new ConfigRefusedException(path + ".grpc_stream_retry_policy", "is not supported");
        return new LogService(Collector.Of(config.GrpcService, context, path + ".grpc_service"), config.LogName, TimeSpan.FromMilliseconds(Durations.Ms(config.BufferFlushInterval) ?? 1000), context);
    }

    public void Add(IMessage entry) => _sender.Add(entry);

    public async ValueTask DisposeAsync()
    {
        await _sender.DisposeAsync().ConfigureAwait(false);
        if (_call is { } call)
        {
            await call.CompleteAsync().ConfigureAwait(false);
            await call.DisposeAsync().ConfigureAwait(false);
        }
        _collector.Dispose();
    }

    private async Task SendAsync(IReadOnlyList<IMessage> entries, CancellationToken cancel)
    {
        foreach (var message in Messages(entries))
            try
            {
                if (_call is null)
                {
                    _call = _collector.Channel().OpenDuplex(Method);
                    message.Identifier = _identifier;
                }
                await _call.WriteAsync(message).WaitAsync(cancel).ConfigureAwait(false);
            }
            catch
            {
                if (_call is { } broken) await broken.DisposeAsync().ConfigureAwait(false);
                _call = null;
                throw;
            }
    }

    private static IEnumerable<StreamAccessLogsMessage> Messages(IReadOnlyList<IMessage> entries)
    {
        var (http, tcp) = (new StreamAccessLogsMessage.Types.HTTPAccessLogEntries(), new StreamAccessLogsMessage.Types.TCPAccessLogEntries());
        foreach (var entry in entries)
            if (entry is HTTPAccessLogEntry request) http.LogEntry.Add(request);
            else tcp.LogEntry.Add((TCPAccessLogEntry)entry);
        if (http.LogEntry.Count > 0) yield return new StreamAccessLogsMessage { HttpLogs = http };
        if (tcp.LogEntry.Count > 0) yield return new StreamAccessLogsMessage { TcpLogs = tcp };
    }
}
