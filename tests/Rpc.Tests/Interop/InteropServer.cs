using System.Net;
using Google.Protobuf;
using Lateen.Hosting.Rpc;
using Lateen.Hosting.Servers;
using Lateen.Rpc.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lateen.Rpc.Tests.Interop;

/// <summary>gRPC's interoperability service on our own server layer and Kestrel.</summary>
internal static class InteropServer
{
    /// <summary>Serves on a free port of the loopback address; with TLS when there are certificate files.</summary>
    public static Task<HttpServer> StartAsync(CertificateFiles? certificate = null)
    {
        var listener = new ServerListener(new IPEndPoint(IPAddress.Loopback, 0)) { Protocols = HttpProtocols.Http2, Certificate = certificate };
        return HttpServer.StartAsync(NullLoggerFactory.Instance, [listener], endpoints => endpoints.MapRpc(CreateTable()), TestContext.Current.CancellationToken);
    }

    private static RpcServiceTable CreateTable() => new RpcServiceTable()
        .Unary(InteropMethods.EmptyCall, (request, _) => Task.FromResult(request))
        .Unary(InteropMethods.UnaryCall, (request, call) =>
        {
            Echo(call);
            ThrowIfAsked(request.ResponseStatus);
            return Task.FromResult(new SimpleResponse { Payload = Zeroes(request.ResponseSize) });
        })
        .ClientStream(InteropMethods.StreamingInputCall, async (requests, call) =>
        {
            var sum = 0;
            await foreach (var request in requests.WithCancellation(call.Cancel)) sum += request.Payload.Body.Length;
            return new StreamingInputCallResponse { AggregatedPayloadSize = sum };
        })
        .ServerStream(InteropMethods.StreamingOutputCall, AnswerAsync)
        .Duplex(InteropMethods.FullDuplexCall, async (requests, responses, call) =>
        {
            Echo(call);
            await foreach (var request in requests.WithCancellation(call.Cancel)) await AnswerAsync(request, responses, call);
        })
        .Duplex(InteropMethods.HalfDuplexCall, async (requests, responses, call) =>
        {
            var all = new List<StreamingOutputCallRequest>();
            await foreach (var request in requests.WithCancellation(call.Cancel)) all.Add(request);
            foreach (var request in all) await AnswerAsync(request, responses, call);
        });

    private static async Task AnswerAsync(StreamingOutputCallRequest request, RpcResponseWriter<StreamingOutputCallResponse> responses, RpcServerCall call)
    {
        ThrowIfAsked(request.ResponseStatus);
        foreach (var wanted in request.ResponseParameters)
        {
            if (wanted.IntervalUs > 0) await Task.Delay(TimeSpan.FromMicroseconds(wanted.IntervalUs), call.Cancel);
            await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Zeroes(wanted.Size) });
        }
    }

    private static void Echo(RpcServerCall call)
    {
        if (call.RequestHeaders[InteropMethods.EchoInitial] is { } initial) call.ResponseHeaders.Add(InteropMethods.EchoInitial, initial);
        if (call.RequestHeaders[InteropMethods.EchoTrailing] is { } trailing) call.ResponseTrailers.Add(InteropMethods.EchoTrailing, trailing);
    }

    private static void ThrowIfAsked(EchoStatus? status)
    {
        if (status is { Code: not 0 }) throw new RpcException((RpcStatusCode)status.Code, status.Message);
    }

    private static Payload Zeroes(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };
}
