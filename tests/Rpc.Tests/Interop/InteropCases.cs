using Google.Protobuf;
using Lateen.Rpc.Client;

namespace Lateen.Rpc.Tests.Interop;

/// <summary>
/// gRPC's interoperability cases as our client plays them. Source: grpc/grpc doc/interop-test-descriptions.md, whose sizes these are.
/// </summary>
internal static class InteropCases
{
    private static readonly int[] RequestSizes = [27182, 8, 1828, 45904];
    private static readonly int[] ResponseSizes = [31415, 9, 2653, 58979];

    /// <summary>The cases by their names.</summary>
    public static IReadOnlyDictionary<string, Func<RpcChannel, Task>> All { get; } = new Dictionary<string, Func<RpcChannel, Task>>
    {
        ["empty_unary"] = async channel => Assert.Equal(new Empty(), await channel.UnaryAsync(InteropMethods.EmptyCall, new Empty())),
        ["large_unary"] = async channel =>
        {
            var response = await channel.UnaryAsync(InteropMethods.UnaryCall, new SimpleRequest { ResponseSize = 314159, Payload = Zeroes(271828) });
            Assert.Equal(Zeroes(314159), response.Payload);
        },
        ["client_streaming"] = async channel =>
        {
            await using var call = channel.OpenDuplex(InteropMethods.StreamingInputCall);
            foreach (var size in RequestSizes) await call.WriteAsync(new StreamingInputCallRequest { Payload = Zeroes(size) });
            await call.CompleteAsync();
            Assert.Equal(RequestSizes.Sum(), (await ReadAllAsync(call)).Single().AggregatedPayloadSize);
        },
        ["server_streaming"] = async channel =>
        {
            var request = new StreamingOutputCallRequest { ResponseParameters = { ResponseSizes.Select(size => new ResponseParameters { Size = size }) } };
            var sizes = new List<int>();
            await foreach (var response in channel.OpenServerStream(InteropMethods.StreamingOutputCall, request)) sizes.Add(response.Payload.Body.Length);
            Assert.Equal(ResponseSizes, sizes);
        },
        ["ping_pong"] = async channel =>
        {
            await using var call = channel.OpenDuplex(InteropMethods.FullDuplexCall);
            await using var responses = call.ReadAllAsync().GetAsyncEnumerator();
            foreach (var (request, response) in RequestSizes.Zip(ResponseSizes))
            {
                await call.WriteAsync(Ask(request, response));
                Assert.True(await responses.MoveNextAsync());
                Assert.Equal(response, responses.Current.Payload.Body.Length);
            }
            await call.CompleteAsync();
            Assert.False(await responses.MoveNextAsync());
        },
        ["empty_stream"] = async channel =>
        {
            await using var call = channel.OpenDuplex(InteropMethods.FullDuplexCall);
            await call.CompleteAsync();
            Assert.Empty(await ReadAllAsync(call));
        },
        ["cancel_after_begin"] = async channel =>
        {
            using var cancel = new CancellationTokenSource();
            await using var call = channel.OpenDuplex(InteropMethods.StreamingInputCall, cancel: cancel.Token);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAllAsync(call));
        },
        ["cancel_after_first_response"] = async channel =>
        {
            using var cancel = new CancellationTokenSource();
            await using var call = channel.OpenDuplex(InteropMethods.FullDuplexCall, cancel: cancel.Token);
            await using var responses = call.ReadAllAsync().GetAsyncEnumerator();
            await call.WriteAsync(Ask(RequestSizes[0], ResponseSizes[0]));
            Assert.True(await responses.MoveNextAsync());
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await responses.MoveNextAsync());
        },
        ["timeout_on_sleeping_server"] = async channel =>
        {
            await using var call = channel.OpenDuplex(InteropMethods.FullDuplexCall, new RpcCallOptions(TimeSpan.FromMilliseconds(1)));
            Assert.Equal(RpcStatusCode.DeadlineExceeded, await StatusOfAsync(() => ReadAllAsync(call)));
        },
        ["status_code_and_message"] = channel => PlayStatusAsync(channel, "test status message"),
        ["special_status_message"] = channel => PlayStatusAsync(channel, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"),
        ["custom_metadata"] = async channel =>
        {
            await PlayMetadataAsync(channel, InteropMethods.UnaryCall, new SimpleRequest { ResponseSize = 10, Payload = Zeroes(10) });
            await PlayMetadataAsync(channel, InteropMethods.FullDuplexCall, Ask(10, 10));
        },
        ["unimplemented_method"] = async channel => Assert.Equal(RpcStatusCode.Unimplemented, await StatusOfAsync(() => channel.UnaryAsync(InteropMethods.UnimplementedCall, new Empty()))),
        ["unimplemented_service"] = async channel => Assert.Equal(RpcStatusCode.Unimplemented, await StatusOfAsync(() => channel.UnaryAsync(InteropMethods.UnimplementedService, new Empty()))),
    };

    /// <summary>Zeroes of a size.</summary>
    public static Payload Zeroes(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };

    /// <summary>The status that a call ends with, when it is not success.</summary>
    public static async Task<RpcStatusCode> StatusOfAsync(Func<Task> call) => (await Assert.ThrowsAsync<RpcException>(call)).Status.Code;

    private static StreamingOutputCallRequest Ask(int sent, int wanted) => new() { Payload = Zeroes(sent), ResponseParameters = { new ResponseParameters { Size = wanted } } };

    private static async Task PlayStatusAsync(RpcChannel channel, string message)
    {
        var status = new EchoStatus { Code = (int)RpcStatusCode.Unknown, Message = message };
        var unary = await Assert.ThrowsAsync<RpcException>(() => channel.UnaryAsync(InteropMethods.UnaryCall, new SimpleRequest { ResponseStatus = status }));
        Assert.Equal(new RpcStatus(RpcStatusCode.Unknown, message), unary.Status);
        await using var call = channel.OpenDuplex(InteropMethods.FullDuplexCall);
        await call.WriteAsync(new StreamingOutputCallRequest { ResponseStatus = status });
        await call.CompleteAsync();
        var streamed = await Assert.ThrowsAsync<RpcException>(() => ReadAllAsync(call));
        Assert.Equal(new RpcStatus(RpcStatusCode.Unknown, message), streamed.Status);
    }

    private static async Task PlayMetadataAsync<TRequest, TResponse>(RpcChannel channel, RpcMethod<TRequest, TResponse> method, TRequest request)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        var headers = new RpcMetadata { { InteropMethods.EchoInitial, "test_initial_metadata_value" } };
        headers.Add(InteropMethods.EchoTrailing, [0xab, 0xab, 0xab]);
        await using var call = channel.OpenDuplex(method, new RpcCallOptions(Headers: headers));
        await call.WriteAsync(request);
        await call.CompleteAsync();
        Assert.Single(await ReadAllAsync(call));
        Assert.Equal("test_initial_metadata_value", call.ResponseHeaders[InteropMethods.EchoInitial]);
        Assert.Equal([0xab, 0xab, 0xab], call.ResponseTrailers.GetBytes(InteropMethods.EchoTrailing));
    }

    private static async Task<List<TResponse>> ReadAllAsync<TRequest, TResponse>(RpcDuplexCall<TRequest, TResponse> call)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        var all = new List<TResponse>();
        await foreach (var response in call.ReadAllAsync()) all.Add(response);
        return all;
    }
}
