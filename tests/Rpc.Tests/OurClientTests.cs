using Lateen.Rpc.Client;
using Lateen.Rpc.Tests.Interop;
using Lateen.Support;

namespace Lateen.Rpc.Tests;

/// <summary>Our client, served by other people's gRPC and by our own.</summary>
public sealed class OurClientTests
{
    public static TheoryData<string> Names => [.. InteropCases.All.Keys];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task GrpcsOwnServerAnswers(string name)
    {
        using var server = await StartInteropServerAsync();
        using var channel = RpcChannel.Create($"http://127.0.0.1:{server.Port}");
        await InteropCases.All[name](channel);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task GrpcJsAnswers(string name)
    {
        using var server = await NodePeer.StartAsync("server.js");
        await server.WaitForOutputAsync("port ", TimeSpan.FromSeconds(30));
        using var channel = RpcChannel.Create($"http://127.0.0.1:{server.Output.Split("port ")[1].Trim()}");
        await InteropCases.All[name](channel);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task OurOwnServerAnswers(string name)
    {
        await using var server = await InteropServer.StartAsync();
        using var channel = RpcChannel.Create($"http://127.0.0.1:{server.Port}");
        await InteropCases.All[name](channel);
    }

    [Fact]
    public async Task AResponseAboveTheLimitEndsTheCall()
    {
        using var server = await StartInteropServerAsync();
        using var channel = RpcChannel.Create($"http://127.0.0.1:{server.Port}", new RpcChannelOptions { MaxReceiveMessageSize = 1000 });
        Assert.Equal(980, (await channel.UnaryAsync(InteropMethods.UnaryCall, new SimpleRequest { ResponseSize = 980 }, cancel: Cancel)).Payload.Body.Length);
        Assert.Equal(RpcStatusCode.ResourceExhausted, await InteropCases.StatusOfAsync(() => channel.UnaryAsync(InteropMethods.UnaryCall, new SimpleRequest { ResponseSize = 1000 })));
    }

    [Fact]
    public async Task ARequestOfFourMebibytesArrivesAndALargerOneIsTold()
    {
        using var server = await StartInteropServerAsync();
        using var channel = RpcChannel.Create($"http://127.0.0.1:{server.Port}");
        // The payload's own tags and lengths, with the message around it, take 10 bytes.
        await channel.UnaryAsync(InteropMethods.UnaryCall, new SimpleRequest { Payload = InteropCases.Zeroes((4 << 20) - 10) }, cancel: Cancel);
        Assert.Equal(RpcStatusCode.ResourceExhausted, await InteropCases.StatusOfAsync(() => channel.UnaryAsync(InteropMethods.UnaryCall, new SimpleRequest { Payload = InteropCases.Zeroes(4 << 20) })));
    }

    [Fact]
    public async Task ACallersOwnCancellationOfReadingIsNoStatusEvenWithADeadline()
    {
        await using var server = await InteropServer.StartAsync();
        using var channel = RpcChannel.Create($"http://127.0.0.1:{server.Port}");
        using var cancel = new CancellationTokenSource();
        await using var call = channel.OpenDuplex(InteropMethods.FullDuplexCall, new RpcCallOptions(TimeSpan.FromMinutes(1)), Cancel);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in call.ReadAllAsync(cancel.Token))
            {
            }
        });
    }

    [Fact]
    public async Task NobodyListeningIsUnavailable()
    {
        using var channel = RpcChannel.Create($"http://127.0.0.1:{FreePorts.One()}");
        Assert.Equal(RpcStatusCode.Unavailable, await InteropCases.StatusOfAsync(() => channel.UnaryAsync(InteropMethods.EmptyCall, new Empty())));
    }

    private static async Task<InteropProcess> StartInteropServerAsync()
    {
        var port = FreePorts.One();
        var process = LocalProcess.Start(Tools.Require("grpc-interop-server"), [$"-port={port}"]);
        await Eventually.TrueAsync(async () =>
        {
            using var socket = new System.Net.Sockets.TcpClient();
            await socket.ConnectAsync(System.Net.IPAddress.Loopback, port, TestContext.Current.CancellationToken);
            return true;
        });
        return new InteropProcess(port, process);
    }

    private sealed record InteropProcess(int Port, LocalProcess Process) : IDisposable
    {
        public void Dispose() => Process.Dispose();
    }
}
