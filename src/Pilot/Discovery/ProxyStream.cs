using System.Globalization;
using Envoy.Config.Core.V3;
using Lateen.Pilot.Model;
using Lateen.Pilot.Networking;
using Lateen.Pilot.Push;
using Lateen.Rpc;
using Lateen.Rpc.Server;

namespace Lateen.Pilot.Discovery;

/// <summary>What both protocols of xDS do alike on one stream. Owned by its call.</summary>
internal abstract class ProxyStream(DiscoveryServer server, RpcServerCall call)
{
    private const int MostNames = 200_000;
    private const int LongestName = 4096;

    private long _sent;

    /// <summary>The proxy, once its first request has said who it is.</summary>
    protected ProxyConnection? Proxy { get; private set; }

    protected async Task RunAsync<T>(IAsyncEnumerable<T> requests, Func<T, Task> onRequest)
    {
        var reason = "the stream ended";
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel, server.Stopping);
        try
        {
            await StreamLoop.RunAsync(requests, () => Proxy, onRequest, PushGuardedAsync, cancel.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (server.Stopping.IsCancellationRequested)
        {
            reason = "Pilot stops";
            throw new RpcException(RpcStatusCode.Unavailable, "the server is stopping");
        }
        catch (RpcException e)
        {
            reason = e.Message;
            throw;
        }
        finally
        {
            if (Proxy != null) server.Disconnected(Proxy, reason);
        }
    }

    protected abstract Task PushAsync(PushRequest push);

    /// <summary>The newest snapshot as this proxy sees it.</summary>
    protected Client NewClient() => new(Proxy!.Node, server.Current);

    protected bool IsOwnWorkload(ConfigKey key) => key.Kind == ConfigKey.Workload && Proxy!.Node.Name == $"{key.Name}.{key.Namespace}";

    /// <summary>Registers the proxy at its first request.</summary>
    /// <exception cref="RpcException">It does not say who it is, or Pilot is not ready.</exception>
    protected ProxyConnection? Identify(Node? node, bool isDelta)
    {
        if (Proxy != null) return Proxy;
        if (!server.IsReady) throw new RpcException(RpcStatusCode.Unavailable, "server is not ready to serve discovery information");
        var parsed = ProxyNode.Parse(node, out var error) ?? throw new RpcException(RpcStatusCode.InvalidArgument, error);
        return Proxy = server.Connect(parsed, call.Peer, isDelta);
    }

    protected bool TryType(string url, out ResourceType type)
    {
        if (ResourceTypes.TryParse(url, out type)) return true;
        DiscoveryLog.UnknownType(server.Log, Proxy!.Id, url.Length > 200 ? url[..200] : url);
        return false;
    }

    /// <exception cref="RpcException">No proxy has so many names, or such ones.</exception>
    protected static void CheckNames(IReadOnlyCollection<string> names)
    {
        if (names.Count > MostNames) throw new RpcException(RpcStatusCode.ResourceExhausted, $"more than {MostNames} resource names");
        foreach (var name in names)
            if (name.Length > LongestName) throw new RpcException(RpcStatusCode.InvalidArgument, $"a resource name is longer than {LongestName} bytes");
    }

    protected void Refused(ResourceType type, WatchState watch, string error, int code)
    {
        watch.Error = error.Length > 2000 ? error[..2000] : error;
        server.Metrics.Rejected(type, Proxy!.Node.Id, ((RpcStatusCode)code).ToString());
        DiscoveryLog.Rejected(server.Log, type.ShortName().ToUpperInvariant(), Proxy.Id, watch.VersionSent, watch.Error);
    }

    protected void Accepted(ResourceType type, WatchState watch, string nonce)
    {
        (watch.NonceAcked, watch.VersionAcked, watch.Error) = (nonce, watch.VersionSent, "");
        DiscoveryLog.Accepted(server.Log, type.ShortName(), Proxy!.Id, watch.VersionSent);
    }

    protected void Stale(ResourceType type, string nonce)
    {
        server.Metrics.ExpiredNonces.Increment();
        DiscoveryLog.Stale(server.Log, type.ShortName(), Proxy!.Id, nonce);
    }

    /// <summary>Notes a response that is about to go; its nonce.</summary>
    protected string Sending(ResourceType type, WatchState watch, PushSnapshot snapshot, int count, int removed, long size)
    {
        watch.VersionSent = snapshot.Version;
        watch.NonceSent = string.Create(CultureInfo.InvariantCulture, $"{Proxy!.Id[(Proxy.Id.LastIndexOf('-') + 1)..]}.{++_sent}");
        server.Metrics.Pushes.With(type.ShortName()).Increment();
        server.Metrics.ConfigSize.With(type.Url()).Observe(size);
        DiscoveryLog.Pushed(server.Log, type.ShortName().ToUpperInvariant(), Proxy.Id, count, removed, size, snapshot.Version);
        return watch.NonceSent;
    }

    protected Task WriteAsync(Func<ValueTask> write, long size) => server.WriteAsync(write, size);

    /// <summary>A push that fails leaves the proxy as it is: the next change may mend what made it fail.</summary>
    private async Task PushGuardedAsync(PushRequest push)
    {
        try
        {
            await PushAsync(push).ConfigureAwait(false);
            server.Metrics.Convergence.Observe(server.SecondsSince(push.Since));
        }
        catch (Exception e) when (e is not (OperationCanceledException or RpcException or IOException))
        {
            server.Metrics.InternalErrors.Increment();
            DiscoveryLog.GenerateFailed(server.Log, e, "push", Proxy!.Id);
        }
    }
}
