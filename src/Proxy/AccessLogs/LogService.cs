using Envoy.Config.Core.V3;
using Envoy.Data.Accesslog.V3;
using Envoy.Extensions.AccessLoggers.Grpc.V3;
using Envoy.Service.Accesslog.V3;
using Google.Protobuf;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Tracing;
using Lateen.Proxy.Upstream.Grpc;
using Lateen.Proxy.Workers;
using Lateen.Rpc;

namespace Lateen.Proxy.AccessLogs;

/// <summary>
/// The stream to one access log service under one log name: entries are sent some at a time, the node with the first message
/// of a stream, which stays open. Any thread. Source: envoy.service.accesslog.v3.
/// </summary>
internal sealed class LogService : IAsyncDisposable
{
    private static readonly RpcMethod<StreamAccessLogsMessage, StreamAccessLogsResponse> Method = new(RpcKind.ClientStream, "envoy.service.accesslog.v3.AccessLogService", "StreamAccessLogs");
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(1);
    private readonly BatchSender<IMessage> _sender;
    private readonly Collector _collector;
    private readonly StreamAccessLogsMessage.Types.Identifier _identifier;
    private GrpcStream? _stream;
    private TaskCompletionSource _over = new();

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

    /// <summary>Sends what waits, ends the stream, and gives the service a moment to read it to the end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sender.DisposeAsync().ConfigureAwait(false);
        if (_stream is not { } stream) return;
        using var limit = new CancellationTokenSource(LongestGoodbye);
        try
        {
            await PoolWork.RunOnAsync(stream.Worker, stream.CompleteAsync, limit.Token).ConfigureAwait(false);
            await _over.Task.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The service does not answer: its stream goes with the process.
        }
    }

    private async Task SendAsync(IReadOnlyList<IMessage> entries, CancellationToken cancel)
    {
        foreach (var message in Messages(entries))
        {
            var stream = _stream;
            if (stream is null || _over.Task.IsCompleted)
            {
                _stream = stream = await _collector.OpenAsync(Method.Path, cancel).ConfigureAwait(false);
                _over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                message.Identifier = _identifier;
                var over = _over;
                stream.Worker.Post(() => _ = WatchAsync(stream, over));
            }
            if (await PoolWork.RunOnAsync(stream.Worker, () => stream.SendAsync(message), cancel).ConfigureAwait(false)) continue;
            _stream = null;
            throw new RpcException(RpcStatusCode.Unavailable, "the stream was lost");
        }
    }

    /// <summary>Reads until the service ends the stream: the next entries want a new one.</summary>
    private static async Task WatchAsync(GrpcStream stream, TaskCompletionSource over)
    {
        while (await stream.ReadAsync() is not null)
        {
        }
        stream.Close();
        over.SetResult();
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
