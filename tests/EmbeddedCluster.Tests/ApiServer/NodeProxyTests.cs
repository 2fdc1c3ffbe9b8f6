using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Tests.Behaviour;
using Lateen.Kubernetes.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.ApiServer;

/// <summary>Logs, exec and port-forward are carried to the node of the pod.</summary>
[Collection(EmbeddedCollection.Name)]
public sealed class NodeProxyTests(EmbeddedClusterUnderTest cluster) : BehaviourTests(cluster)
{
    [Fact]
    public async Task ALogIsStreamedAsTheNodeWritesIt()
    {
        var second = new TaskCompletionSource();
        await using var node = await NodeAsync(async http =>
        {
            Assert.Equal($"/containerLogs/{Space}/p/main?follow=true&tailLines=5", http.Request.Path + http.Request.QueryString.Value);
            Assert.False(http.Request.Headers.ContainsKey("Authorization"));
            await http.Response.WriteAsync("one\n");
            await http.Response.Body.FlushAsync();
            await second.Task;
            await http.Response.WriteAsync("two\n");
        });
        using var stream = await Api.StreamAsync(Core("pods", "p/log") + "?follow=true&tailLines=5");
        Assert.Equal("one", await stream.ReadLineAsync(TestContext.Current.CancellationToken));
        second.SetResult();
        Assert.Equal("two", await stream.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Null(await stream.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AnErrorOfTheNodeIsTheAnswer()
    {
        await using var node = await NodeAsync(async http =>
        {
            http.Response.StatusCode = 400;
            await http.Response.WriteAsync("container \"main\" in pod \"p\" is waiting to start: ContainerCreating");
        });
        var answer = await Api.GetAsync(Core("pods", "p/log"), "*/*");
        Assert.Equal((400, "container \"main\" in pod \"p\" is waiting to start: ContainerCreating"), (answer.Code, answer.Text));
        Assert.Contains("container other is not valid for pod p", (await Api.GetAsync(Core("pods", "p/log") + "?container=other")).Message, StringComparison.Ordinal);
        Expect(404, await Api.GetAsync(Core("pods", "none/log")));
        Expect(400, await Api.GetAsync(Core("pods", "p/exec") + "?command=ls"));
    }

    [Theory]
    [InlineData("exec", "/exec/{0}/p/main")]
    [InlineData("portforward", "/portForward/{0}/p")]
    public async Task AWebSocketIsATunnelToTheNode(string subresource, string path)
    {
        await using var node = await NodeAsync(async http =>
        {
            Assert.Equal(string.Format(null, path, Space), http.Request.Path);
            using var socket = await http.WebSockets.AcceptWebSocketAsync("v5.channel.k8s.io");
            var buffer = new byte[1000];
            while (await socket.ReceiveAsync(buffer, default) is { MessageType: not WebSocketMessageType.Close } received)
                await socket.SendAsync(Encoding.ASCII.GetBytes("echo " + Encoding.ASCII.GetString(buffer, 0, received.Count)), WebSocketMessageType.Binary, true, default);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", default);
        });
        using var client = new ClientWebSocket();
        client.Options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        client.Options.SetRequestHeader("Authorization", "Bearer " + Api.Token);
        client.Options.AddSubProtocol("v5.channel.k8s.io");
        var url = new UriBuilder(new Uri(Api.Url, Core("pods", $"p/{subresource}"))) { Scheme = "wss", Query = "command=cat&stdin=true" }.Uri;
        await client.ConnectAsync(url, TestContext.Current.CancellationToken);
        Assert.Equal("v5.channel.k8s.io", client.SubProtocol);
        foreach (var text in (string[])["a", new string('b', 900)])
        {
            await client.SendAsync(Encoding.ASCII.GetBytes(text), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
            var buffer = new byte[1000];
            var received = await client.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            Assert.Equal("echo " + text, Encoding.ASCII.GetString(buffer, 0, received.Count));
        }
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task OurOwnClientRunsAProgramInAContainer()
    {
        await using var node = await NodeAsync(async http =>
        {
            var command = http.Request.Query["command"];
            using var socket = await http.WebSockets.AcceptWebSocketAsync("v4.channel.k8s.io");
            async Task SendAsync(byte channel, string text) => await socket.SendAsync(Encoding.UTF8.GetBytes($"{(char)channel}{text}"), WebSocketMessageType.Binary, true, default);
            foreach (var word in command) await SendAsync(1, word + ";");
            await SendAsync(2, "careful");
            await SendAsync(3, command[0] == "false" ? """{"status":"Failure","reason":"NonZeroExitCode","message":"exit code 1"}""" : """{"status":"Success"}""");
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        });
        var options = KubeClientOptions.FromKubeconfig(Cluster.Kubeconfig);
        var cancel = TestContext.Current.CancellationToken;
        Assert.Equal(new PodExecResult("pilot-agent;request;GET;a b&c;", "careful"), await PodExec.RunAsync(options, Space, "p", "main", ["pilot-agent", "request", "GET", "a b&c"], cancel));
        var failed = await Assert.ThrowsAsync<KubeException>(() => PodExec.RunAsync(options, Space, "p", "main", ["false"], cancel));
        Assert.Contains($"{Space}/p: careful", failed.Message, StringComparison.Ordinal);
        var missing = await Assert.ThrowsAsync<KubeException>(() => PodExec.RunAsync(options, Space, "nobody", "main", ["true"], cancel));
        Assert.Contains($"{Space}/nobody: HTTP status 404", missing.Message, StringComparison.Ordinal);
    }

    /// <summary>A node that serves as a kubelet does, and a pod "p" on it.</summary>
    private async Task<WebApplication> NodeAsync(RequestDelegate serve)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(serve);
        await app.StartAsync();
        var port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        Expect(201, await Api.PostAsync("/api/v1/nodes", new JsonObject { ["metadata"] = new JsonObject { ["name"] = Space }, ["spec"] = new JsonObject { ["unschedulable"] = true } }));
        Expect(200, await Api.PatchAsync($"/api/v1/nodes/{Space}/status", "merge",
            """{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":PORT}}}}""".Replace("PORT", $"{port}", StringComparison.Ordinal)));
        Expect(201, await Api.PostAsync(Core("pods"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "p" },
            ["spec"] = new JsonObject { ["nodeName"] = Space, ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = "example.test/app" }) },
        }));
        return app;
    }

    public override async ValueTask DisposeAsync()
    {
        await Api.DeleteAsync("/api/v1/nodes/" + Space);
        await base.DisposeAsync();
    }
}
