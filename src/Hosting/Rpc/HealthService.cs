using System.Threading.Channels;
using Grpc.Health.V1;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Status = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Lateen.Hosting.Rpc;

/// <summary>
/// The service grpc.health.v1: whether the server (the empty name) and each of its services answer. Source: grpc/grpc
/// doc/health-checking.md. Any thread.
/// </summary>
public sealed class HealthService
{
    private static readonly RpcMethod<HealthCheckRequest, HealthCheckResponse> CheckMethod = new(RpcKind.Unary, "grpc.health.v1.Health", "Check");
    private static readonly RpcMethod<HealthCheckRequest, HealthCheckResponse> WatchMethod = new(RpcKind.ServerStream, "grpc.health.v1.Health", "Watch");
    private readonly Lock _gate = new();
    private readonly Dictionary<string, bool> _serving = new(StringComparer.Ordinal) { [""] = true };
    private readonly List<(string Service, ChannelWriter<Status> Watcher)> _watchers = [];

    /// <summary>Says whether a service answers; the empty name is the server as a whole.</summary>
    public void Set(string service, bool isServing)
    {
        lock (_gate)
        {
            _serving[service] = isServing;
            foreach (var (watched, watcher) in _watchers)
                if (watched == service) watcher.TryWrite(isServing ? Status.Serving : Status.NotServing);
        }
    }

    /// <summary>Adds the service's methods to a table, and the table's services to those that serve.</summary>
    public HealthService AddTo(RpcServiceTable table)
    {
        foreach (var service in table.Services)
            lock (_gate) _serving.TryAdd(service, true);
        table.Unary(CheckMethod, (request, _) => Task.FromResult(Check(request)));
        table.ServerStream(WatchMethod, WatchAsync);
        return this;
    }

    private HealthCheckResponse Check(HealthCheckRequest request)
    {
        var status = StatusOf(request.Service);
        return status == Status.ServiceUnknown
            ? throw new RpcException(RpcStatusCode.NotFound, $"unknown service '{request.Service}'")
            : new HealthCheckResponse { Status = status };
    }

    private async Task WatchAsync(HealthCheckRequest request, RpcResponseWriter<HealthCheckResponse> writer, RpcServerCall call)
    {
        // Only the newest status matters to a slow watcher.
        var changes = Channel.CreateBounded<Status>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var entry = (request.Service, changes.Writer);
        lock (_gate)
        {
            _watchers.Add(entry);
            changes.Writer.TryWrite(StatusOf(request.Service));
        }
        try
        {
            Status? last = null;
            await foreach (var status in changes.Reader.ReadAllAsync(call.Cancel))
            {
                if (status == last) continue;
                last = status;
                await writer.WriteAsync(new HealthCheckResponse { Status = status });
            }
        }
        finally
        {
            lock (_gate) _watchers.Remove(entry);
        }
    }

    private Status StatusOf(string service)
    {
        lock (_gate) return !_serving.TryGetValue(service, out var isServing) ? Status.ServiceUnknown : isServing ? Status.Serving : Status.NotServing;
    }
}
