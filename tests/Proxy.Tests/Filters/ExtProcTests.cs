using System.Collections.Concurrent;
using Envoy.Config.Core.V3;
using Envoy.Service.ExtProc.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Lateen.Support;
using Xunit;
using Asked = Envoy.Service.ExtProc.V3.ProcessingRequest.RequestOneofCase;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The filter that shows streams to a processor, through a running proxy.</summary>
public sealed class ExtProcTests
{
    private static readonly RpcMethod<ProcessingRequest, ProcessingResponse> Process = new(RpcKind.Duplex, "envoy.service.ext_proc.v3.ExternalProcessor", "Process");

    private static string Filter(string mode = "", string more = "") => $$"""
        - name: proc
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
            grpc_service: {envoy_grpc: {cluster_name: proc} }
            message_timeout: 5s
            processing_mode: { {{mode}} }
            {{more}}
        """;

    /// <summary>A processor that keeps what it was shown, and answers each part as the test says; null ends the call.</summary>
    private static async Task<(RpcUpstream Service, ConcurrentQueue<ProcessingRequest> Shown)> ServiceAsync(Func<ProcessingRequest, ProcessingResponse?> answer)
    {
        var shown = new ConcurrentQueue<ProcessingRequest>();
        return (await RpcUpstream.StartAsync(new RpcServiceTable().Duplex(Process, async (requests, responses, call) =>
        {
            await foreach (var request in requests.WithCancellation(call.Cancel))
            {
                shown.Enqueue(request);
                if (answer(request) is not { } response) return;
                await responses.WriteAsync(response);
            }
        })), shown);
    }

    /// <summary>Goes on without a change.</summary>
    private static ProcessingResponse Pass(ProcessingRequest request) => With(request, new CommonResponse());

    private static ProcessingResponse With(ProcessingRequest request, CommonResponse common, HeaderMutation? trailers = null) => request.RequestCase switch
    {
        Asked.RequestHeaders => new ProcessingResponse { RequestHeaders = new HeadersResponse { Response = common } },
        Asked.ResponseHeaders => new ProcessingResponse { ResponseHeaders = new HeadersResponse { Response = common } },
        Asked.RequestBody => new ProcessingResponse { RequestBody = new BodyResponse { Response = common } },
        Asked.ResponseBody => new ProcessingResponse { ResponseBody = new BodyResponse { Response = common } },
        Asked.RequestTrailers => new ProcessingResponse { RequestTrailers = new TrailersResponse { HeaderMutation = trailers } },
        _ => new ProcessingResponse { ResponseTrailers = new TrailersResponse { HeaderMutation = trailers } },
    };

    private static CommonResponse Set(params (string Name, string Value)[] headers)
    {
        var mutation = new HeaderMutation();
        foreach (var (name, value) in headers) mutation.SetHeaders.Add(new HeaderValueOption { Header = new HeaderValue { Key = name, RawValue = ByteString.CopyFromUtf8(value) } });
        return new CommonResponse { HeaderMutation = mutation };
    }

    private static string Value(HttpHeaders headers, string name) => headers.Headers.Headers.FirstOrDefault(header => header.Key == name)?.RawValue.ToStringUtf8() ?? "";

    [Fact]
    public async Task Heads_are_shown_and_changed()
    {
        var (service, shown) = await ServiceAsync(request =>
        {
            var common = request.RequestCase == Asked.RequestHeaders ? Set(("x-user", "ann"), (":path", "/other"), (":authority", "evil"), ("x-envoy-max-retries", "9")) : Set(("x-seen", "yes"), (":status", "201"));
            if (request.RequestCase == Asked.RequestHeaders) common.HeaderMutation.RemoveHeaders.Add("x-gone");
            return With(request, common);
        });
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter(), clusters: service.Cluster("proc"));
        var answer = await proxy.SendAsync("GET /a HTTP/1.1\r\nHost: shop\r\nX-Gone: 1\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 201", answer);
        Assert.Contains("x-seen: yes\r\n", answer);
        Assert.StartsWith("GET /other HTTP/1.1\r\nhost: shop\r\n", proxy.Upstream.Received);
        Assert.Contains("x-user: ann\r\n", proxy.Upstream.Received);
        Assert.DoesNotContain("x-gone", proxy.Upstream.Received);
        Assert.DoesNotContain("x-envoy-max-retries", proxy.Upstream.Received);
        var parts = shown.ToArray();
        Assert.Equal([Asked.RequestHeaders, Asked.ResponseHeaders], parts.Select(part => part.RequestCase));
        Assert.Equal(("/a", "GET", true), (Value(parts[0].RequestHeaders, ":path"), Value(parts[0].RequestHeaders, ":method"), parts[0].RequestHeaders.EndOfStream));
        Assert.Equal(("200", false), (Value(parts[1].ResponseHeaders, ":status"), parts[1].ResponseHeaders.EndOfStream));
    }

    [Theory]
    [InlineData("BUFFERED")]
    [InlineData("BUFFERED_PARTIAL")]
    [InlineData("STREAMED")]
    public async Task Bodies_are_shown_and_changed(string mode)
    {
        var (service, shown) = await ServiceAsync(request =>
        {
            var body = request.RequestBody ?? request.ResponseBody;
            return body is null || body.Body.IsEmpty ? Pass(request) : With(request, new CommonResponse { BodyMutation = new BodyMutation { Body = ByteString.CopyFromUtf8($"<{body.Body.ToStringUtf8()}>") } });
        });
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter($"request_body_mode: {mode}, response_body_mode: {mode}"), clusters: service.Cluster("proc"));
        var answer = await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Contains("<ok>", answer);
        await Eventually.TrueAsync(() => proxy.Upstream.Received.Contains("<hello>", StringComparison.Ordinal));
        Assert.DoesNotContain("content-length: 5\r\n", proxy.Upstream.Received);
        var bodies = shown.Where(part => part.RequestCase == Asked.RequestBody).Select(part => part.RequestBody).ToArray();
        Assert.Equal("hello", string.Concat(bodies.Select(body => body.Body.ToStringUtf8())));
        Assert.Equal([.. bodies.Select((_, i) => i == bodies.Length - 1)], bodies.Select(body => body.EndOfStream));
    }

    [Fact]
    public async Task The_processor_may_answer_itself_at_either_head()
    {
        foreach (var at in new[] { Asked.RequestHeaders, Asked.ResponseHeaders })
        {
            var (service, _) = await ServiceAsync(request => request.RequestCase != at ? Pass(request) : new ProcessingResponse
            {
                ImmediateResponse = new ImmediateResponse { Status = new HttpStatus { Code = StatusCode.PaymentRequired }, Body = ByteString.CopyFromUtf8("pay"), Headers = Set(("x-why", "debts")).HeaderMutation },
            });
            await using var running = service;
            await using var proxy = TestProxy.Start(filters: Filter(), clusters: service.Cluster("proc"));
            var answer = await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 402", answer);
            Assert.Contains("x-why: debts\r\n", answer);
            Assert.EndsWith("\r\n\r\npay", answer);
            Assert.Equal(at == Asked.RequestHeaders ? 0 : 1, proxy.Upstream.Heads);
        }
    }

    [Fact]
    public async Task A_processor_that_has_seen_enough_sees_no_more()
    {
        var (service, shown) = await ServiceAsync(_ => null);
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter("request_body_mode: STREAMED"), clusters: service.Cluster("proc"));
        var answer = await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.Single(shown);
    }

    [Theory]
    [InlineData("", 500)]
    [InlineData("status_on_error: {code: BadGateway}", 502)]
    [InlineData("failure_mode_allow: true", 200)]
    public async Task A_processor_that_fails_ends_requests_unless_it_may_fail(string more, int code)
    {
        var (service, _) = await ServiceAsync(_ => throw new RpcException(RpcStatusCode.Internal, "broken"));
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter("", more), clusters: service.Cluster("proc"));
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }

    [Fact]
    public async Task A_processor_that_does_not_answer_in_time_has_failed()
    {
        await using var service = await RpcUpstream.StartAsync(new RpcServiceTable().Duplex(Process, async (requests, responses, call) =>
        {
            await foreach (var request in requests.WithCancellation(call.Cancel))
            {
            }
        }));
        await using var proxy = TestProxy.Start(filters: Filter().Replace("message_timeout: 5s", "message_timeout: 0.1s", StringComparison.Ordinal), clusters: service.Cluster("proc"));
        Assert.StartsWith("HTTP/1.1 504", await proxy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        Assert.Equal(1, await proxy.StatAsync("http.test.ext_proc.message_timeouts"));
    }

    [Fact]
    public async Task The_processor_may_ask_for_bodies_when_it_has_seen_the_head()
    {
        var (service, shown) = await ServiceAsync(request =>
        {
            var answer = Pass(request);
            if (request.RequestCase == Asked.RequestHeaders)
                answer.ModeOverride = new Envoy.Extensions.Filters.Http.ExtProc.V3.ProcessingMode { RequestBodyMode = Envoy.Extensions.Filters.Http.ExtProc.V3.ProcessingMode.Types.BodySendMode.Buffered, ResponseHeaderMode = Envoy.Extensions.Filters.Http.ExtProc.V3.ProcessingMode.Types.HeaderSendMode.Skip };
            return answer;
        });
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter("", "allow_mode_override: true"), clusters: service.Cluster("proc"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"));
        Assert.Equal([Asked.RequestHeaders, Asked.RequestBody], shown.Select(part => part.RequestCase));
    }

    [Fact]
    public async Task Trailers_are_shown_and_changed()
    {
        var (service, _) = await ServiceAsync(request => With(request, new CommonResponse(), Set(("x-sum", "18")).HeaderMutation));
        await using var running = service;
        await using var proxy = TestProxy.Start(filters: Filter("response_trailer_mode: SEND"), clusters: service.Cluster("proc"), manager: "http_protocol_options: {enable_trailers: true}", cluster: """
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http_protocol_options: {enable_trailers: true} }
            """);
        var answer = await proxy.SendAsync("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n");
        Assert.Contains("2\r\nok\r\n0\r\n", answer);
        Assert.Contains("x-sum: 18\r\n", answer);
        Assert.Contains("x-more: yes\r\n", answer);
    }
}
