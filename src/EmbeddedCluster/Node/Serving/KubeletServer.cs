using System.Globalization;
using System.Net;
using Lateen.EmbeddedCluster.ApiServer;
using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Node.Pods;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>
/// The paths of kubelet's HTTP interface that the API server's log, exec, attach and portforward lead to. Plain HTTP: only the node's
/// network namespace and its pods reach it. Any thread.
/// </summary>
/// <remarks>differs: kubelet serves HTTPS and asks who calls. Pods of this cluster run as programs of the one user who started it.</remarks>
internal sealed class KubeletServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly PodWorkers _workers;

    private KubeletServer(WebApplication app, PodWorkers workers) => (_app, _workers) = (app, workers);

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<KubeletServer> StartAsync(NodeOptions options, PodWorkers workers, ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(new ServerLoggers(logs));
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(options.Network.NodeAddress, options.Port));
        var app = builder.Build();
        var server = new KubeletServer(app, workers);
        app.UseWebSockets();
        app.UseRouting();
        app.Map("/containerLogs/{ns}/{pod}/{container}", server.LogsAsync);
        app.Map("/exec/{ns}/{pod}/{container}", context => server.StreamAsync(context, isExec: true));
        app.Map("/attach/{ns}/{pod}/{container}", context => server.StreamAsync(context, isExec: false));
        app.Map("/portForward/{ns}/{pod}", server.PortForwardAsync);
        app.MapGet("/healthz", context => context.Response.WriteAsync("ok"));
        app.UseEndpoints(_ => { });
        await app.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task LogsAsync(HttpContext context)
    {
        if (await FindAsync(context) is not { } found) return;
        var query = context.Request.Query;
        var record = found.Container.Record;
        if (Flag(query, "previous")) record = found.Container.Previous?.Record;
        if (record is null)
        {
            var (name, pod) = (found.Container.Definition.Name, found.Worker.Pod.Name);
            var reason = found.Container.WaitingReason is { Length: > 0 } waiting ? waiting : "PodInitializing";
            await RefuseAsync(context, 400, Flag(query, "previous")
                ? $"previous terminated container \"{name}\" in pod \"{pod}\" not found"
                : $"container \"{name}\" in pod \"{pod}\" is waiting to start: {reason}");
            return;
        }
        var folder = ContainerFolder.Of(found.Worker.Folder, record.Name, record.Attempt);
        DateTimeOffset? since = Number(query, "sinceSeconds") is { } seconds ? DateTimeOffset.UtcNow.AddSeconds(-seconds)
            : DateTimeOffset.TryParse(query["sinceTime"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
            : null;
        var request = new LogRequest
        {
            Follow = Flag(query, "follow"), Timestamps = Flag(query, "timestamps"), TailLines = Number(query, "tailLines"), LimitBytes = Number(query, "limitBytes"), Since = since,
        };
        context.Response.ContentType = "text/plain";
        await context.Response.StartAsync();
        try
        {
            await new LogReader(folder, request, () => record.Process is { IsAlive: true }).CopyToAsync(context.Response.Body, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The reader went away.
        }
    }

    private async Task StreamAsync(HttpContext context, bool isExec)
    {
        if (await FindAsync(context) is not { } found) return;
        if (found.Container is not { Record: { Process: { IsAlive: true } process } record, Plan: { } plan })
        {
            await RefuseAsync(context, 400, $"container \"{found.Container.Definition.Name}\" in pod \"{found.Worker.Pod.Name}\" is not running");
            return;
        }
        var query = context.Request.Query;
        var withInput = Flag(query, "input") || Flag(query, "stdin");
        var withTerminal = Flag(query, "tty");
        string[] command = [.. query["command"].OfType<string>()];
        if (isExec && command.Length == 0)
        {
            await RefuseAsync(context, 400, "the request names no command");
            return;
        }
        var folder = ContainerFolder.Of(found.Worker.Folder, record.Name, record.Attempt);
        var cancel = context.RequestAborted;
        Func<ExecStreams, Task> session = isExec
            ? streams => ExecSession.RunAsync(streams, plan, process, command, withTerminal, withInput, cancel)
            : streams => AttachSession.RunAsync(streams, folder, process, withInput, cancel);

        if (context.WebSockets.IsWebSocketRequest)
        {
            var protocol = WebSocketExecStreams.Protocols.FirstOrDefault(context.WebSockets.WebSocketRequestedProtocols.Contains);
            if (protocol is null)
            {
                await RefuseAsync(context, 400, $"none of the sub-protocols {string.Join(", ", context.WebSockets.WebSocketRequestedProtocols)} is supported");
                return;
            }
            using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
            var streams = new WebSocketExecStreams(socket);
            var reading = streams.ReadAsync(cancel);
            await session(streams);
            await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(2), cancel));
            return;
        }
        if (await TryUpgradeAsync(context, SpdyExecStreams.Protocol) is not { } transport) return;
        using var connection = new Spdy.SpdyConnection(transport);
        List<string> types = ["error"];
        if (withInput) types.Add("stdin");
        if (Flag(query, "output") || Flag(query, "stdout")) types.Add("stdout");
        if (!withTerminal && (Flag(query, "error") || Flag(query, "stderr"))) types.Add("stderr");
        var spdy = new SpdyExecStreams(types.Concat(withTerminal ? ["resize"] : Array.Empty<string>()));
        var frames = RunFramesAsync(connection, spdy, cancel);
        await spdy.WhenOpenAsync(cancel);
        await session(spdy);
        // The client closes when it has read the end.
        await Task.WhenAny(frames, Task.Delay(TimeSpan.FromSeconds(2), cancel));
    }

    private static async Task RunFramesAsync(Spdy.SpdyConnection connection, SpdyExecStreams streams, CancellationToken cancel)
    {
        try
        {
            await connection.RunAsync(streams.Add, cancel);
        }
        catch (Exception gone) when (gone is InvalidDataException or IOException or OperationCanceledException)
        {
            // The client is gone or talks nonsense.
        }
        finally
        {
            await streams.Gone.CancelAsync();
        }
    }

    private async Task PortForwardAsync(HttpContext context)
    {
        var (ns, name) = ((string)context.Request.RouteValues["ns"]!, (string)context.Request.RouteValues["pod"]!);
        if (_workers.Find(ns, name) is not { NetworkNamespacePath: { } path } worker)
        {
            await RefuseAsync(context, 404, $"pod \"{name}\" does not run here");
            return;
        }
        var forwarding = new PortForwarding(path, worker.ListeningAddresses);
        if (!context.WebSockets.IsWebSocketRequest)
        {
            if (await TryUpgradeAsync(context, PortForwarding.Protocol) is { } transport) await forwarding.ServeSpdyAsync(transport, context.RequestAborted);
            return;
        }
        if (context.WebSockets.WebSocketRequestedProtocols.Contains(PortForwarding.TunnelProtocol))
        {
            using var tunnel = await TunnelHandshake.AcceptAsync(context, PortForwarding.TunnelProtocol);
            await using var stream = new WebSocketStream(tunnel);
            await forwarding.ServeSpdyAsync(stream, context.RequestAborted);
            return;
        }
        int[] ports = [.. context.Request.Query["ports"].Concat(context.Request.Query["port"]).SelectMany(text => (text ?? "").Split(',')).Select(text => int.TryParse(text, out var port) ? port : 0).Where(port => port > 0)];
        var protocol = context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault(offered => offered == "v4.channel.k8s.io");
        using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
        await forwarding.ServeChannelsAsync(socket, ports, context.RequestAborted);
    }

    private static async Task<Stream?> TryUpgradeAsync(HttpContext context, string protocol)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade is not { IsUpgradableRequest: true } || !context.Request.Headers.Upgrade.ToString().Equals("SPDY/3.1", StringComparison.OrdinalIgnoreCase))
        {
            await RefuseAsync(context, 400, "unable to upgrade: missing upgrade headers in request");
            return null;
        }
        var offered = context.Request.Headers["X-Stream-Protocol-Version"].SelectMany(value => (value ?? "").Split(',')).Select(value => value.Trim());
        if (!offered.Contains(protocol))
        {
            await RefuseAsync(context, 403, $"unable to upgrade: unable to negotiate protocol: this server speaks {protocol}");
            return null;
        }
        context.Response.Headers.Upgrade = "SPDY/3.1";
        context.Response.Headers["X-Stream-Protocol-Version"] = protocol;
        return await upgrade.UpgradeAsync();
    }

    private async Task<(PodWorker Worker, ContainerState Container)?> FindAsync(HttpContext context)
    {
        var (ns, pod, name) = ((string)context.Request.RouteValues["ns"]!, (string)context.Request.RouteValues["pod"]!, (string)context.Request.RouteValues["container"]!);
        if (_workers.Find(ns, pod) is not { } worker)
        {
            await RefuseAsync(context, 404, $"pod \"{pod}\" does not run here");
            return null;
        }
        if (worker.Containers.FirstOrDefault(container => container.Definition.Name == name) is { } found) return (worker, found);
        await RefuseAsync(context, 404, $"container \"{name}\" not found in pod \"{pod}\"");
        return null;
    }

    private static Task RefuseAsync(HttpContext context, int code, string message)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(message);
    }

    private static bool Flag(IQueryCollection query, string name) => query[name].ToString() is "1" or "true";

    private static long? Number(IQueryCollection query, string name) => long.TryParse(query[name], CultureInfo.InvariantCulture, out var number) ? number : null;
}
