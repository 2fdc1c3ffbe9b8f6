using System.Net;
using System.Text;
using Envoy.Service.Auth.V3;
using Google.Protobuf;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>Calls of a gRPC service in gRPC-Web's forms, through a running proxy.</summary>
public sealed class GrpcWebTests
{
    private static readonly RpcMethod<CheckRequest, CheckResponse> Check = new(RpcKind.Unary, "envoy.service.auth.v3.Authorization", "Check");

    private const string Filter = """
        - name: web
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb}
        """;

    private const string Route = "- {match: {prefix: \"/\"}, route: {cluster: rpc} }";

    private static Task<RpcUpstream> ServiceAsync() => RpcUpstream.StartAsync(new RpcServiceTable().Unary(Check, (request, call) =>
    {
        if (request.Attributes.Request.Http.Path == "/fail") throw new RpcException(RpcStatusCode.NotFound, "no such thing");
        call.ResponseTrailers.Add("x-sum", "17");
        return Task.FromResult(new CheckResponse { Status = new Google.Rpc.Status { Message = request.Attributes.Request.Http.Path } });
    }));

    private static byte[] Frame(IMessage message) => [0, 0, 0, 0, (byte)message.CalculateSize(), .. message.ToByteArray()];

    private static CheckRequest Request(string path) => new() { Attributes = new AttributeContext { Request = new AttributeContext.Types.Request { Http = new AttributeContext.Types.HttpRequest { Path = path } } } };

    private static async Task<(string? Type, byte[] Body)> CallAsync(TestProxy proxy, byte[] body, string type, string accept)
    {
        using var client = proxy.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, Check.Path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("content-type", type);
        request.Headers.TryAddWithoutValidation("accept", accept);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    private static void AssertAnswer(byte[] body, string path)
    {
        var length = body[4];
        Assert.Equal(path, CheckResponse.Parser.ParseFrom(body.AsSpan(5, length)).Status.Message);
        var trailers = body.AsSpan(5 + length);
        Assert.Equal(0x80, trailers[0]);
        Assert.Equal(trailers.Length - 5, trailers[4]);
        var text = Encoding.ASCII.GetString(trailers[5..]);
        Assert.Contains("grpc-status:0\r\n", text);
        Assert.Contains("x-sum:17\r\n", text);
    }

    [Fact]
    public async Task A_call_of_bytes_is_answered_with_bytes_and_trailers_behind_them()
    {
        await using var service = await ServiceAsync();
        await using var proxy = TestProxy.Start(Route, Filter, clusters: service.Cluster("rpc"));
        var (type, body) = await CallAsync(proxy, Frame(Request("/a")), "application/grpc-web+proto", "application/grpc-web+proto");
        Assert.Equal("application/grpc-web+proto", type);
        AssertAnswer(body, "/a");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_of_text_is_answered_with_text_when_that_is_accepted(bool padded)
    {
        await using var service = await ServiceAsync();
        await using var proxy = TestProxy.Start(Route, Filter, clusters: service.Cluster("rpc"));
        var frame = Frame(Request("/text"));
        // Each piece may be padded by itself.
        var text = padded ? Convert.ToBase64String(frame[..7]) + Convert.ToBase64String(frame[7..]) : Convert.ToBase64String(frame);
        var (type, body) = await CallAsync(proxy, Encoding.ASCII.GetBytes(text), "application/grpc-web-text", "application/grpc-web-text");
        Assert.Equal("application/grpc-web-text+proto", type);
        AssertAnswer(Convert.FromBase64String(Encoding.ASCII.GetString(body)), "/text");
    }

    [Fact]
    public async Task Text_that_is_no_Base64_ends_the_request()
    {
        await using var service = await ServiceAsync();
        await using var proxy = TestProxy.Start(Route, Filter, clusters: service.Cluster("rpc"));
        var answer = await proxy.SendAsync($"POST {Check.Path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web-text\r\nContent-Length: 8\r\nConnection: close\r\n\r\n!!!!!!!!");
        Assert.StartsWith("HTTP/1.1 400", answer);
        Assert.Contains("grpc-status: 13\r\n", answer);
    }

    [Fact]
    public async Task A_failure_and_an_answer_from_here_carry_their_status()
    {
        await using var service = await ServiceAsync();
        await using var proxy = TestProxy.Start(
            "- {match: {prefix: \"/gone\"}, route: {cluster: dead} }\n- {match: {prefix: \"/http\"}, route: {cluster: app} }\n" + Route, Filter, clusters: service.Cluster("rpc"));
        var frame = Encoding.Latin1.GetString(Frame(Request("/fail")));
        string Ask(string path) => $"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\nContent-Length: {frame.Length}\r\nConnection: close\r\n\r\n{frame}";
        var failed = await proxy.SendAsync(Ask(Check.Path));
        Assert.Contains("grpc-status: 5", failed.Replace("grpc-status:5", "grpc-status: 5", StringComparison.Ordinal));
        var gone = await proxy.SendAsync(Ask("/gone"));
        Assert.StartsWith("HTTP/1.1 503", gone);
        Assert.Contains("grpc-message: upstream connect error or disconnect/reset before headers. ", gone);
        Assert.Contains("content-type: application/grpc-web+proto\r\n", gone);
        Assert.Contains("grpc-status: 14\r\n", gone);
        // An upstream that answers by plain HTTP.
        var plain = await proxy.SendAsync(Ask("/http"));
        Assert.StartsWith("HTTP/1.1 200", plain);
        Assert.Contains("grpc-message: ok\r\n", plain);
        Assert.Contains("grpc-status: 2\r\n", plain);
    }

    [Fact]
    public async Task Other_requests_are_left_alone()
    {
        await using var proxy = TestProxy.Start(filters: Filter);
        Assert.EndsWith("\r\n\r\nok", await proxy.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"));
        Assert.Contains("content-type: text/plain\r\n", proxy.Upstream.Received);
    }
}
