using System.IO.Compression;
using System.Text;
using Lateen.Proxy.Tests.Upstream;
using Lateen.Support;
using Xunit;
using TestProxy = Lateen.Proxy.Tests.Forwarding.TestProxy;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The compressor filter, through a running proxy.</summary>
public sealed class CompressorTests
{
    private static readonly string Page = string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", 40));

    private static string Filter(string library = "gzip", string more = "") => $$"""
        - name: compressor
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor
            compressor_library:
              name: text
              typed_config: {"@type": {{(library == "gzip" ? "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip" : "type.googleapis.com/envoy.extensions.compression.brotli.compressor.v3.Brotli")}} }
            {{more}}
        """;

    private static async Task<(HttpResponseMessage Response, byte[] Body, string Received)> GetAsync(string filter, string head, string? accept = "gzip", string routes = "- {match: {prefix: \"/\"}, route: {cluster: app} }")
    {
        using var upstream = new ScriptedUpstream((_, _) => ScriptedUpstream.Status(200, Page, head));
        await using var proxy = TestProxy.Start(routes, filter, appPort: upstream.Port);
        using var client = proxy.Client();
        if (accept is not null) client.DefaultRequestHeaders.TryAddWithoutValidation("accept-encoding", accept);
        var response = await client.GetAsync("/", TestContext.Current.CancellationToken);
        return (response, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), upstream.Heads[^1]);
    }

    private static string Decompressed(byte[] body, string encoding)
    {
        using var input = new MemoryStream(body);
        using Stream stream = encoding == "gzip" ? new GZipStream(input, CompressionMode.Decompress) : new BrotliStream(input, CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("brotli", "br")]
    public async Task A_response_is_compressed_for_who_accepts_it(string library, string encoding)
    {
        var (response, body, _) = await GetAsync(Filter(library), "content-type: text/html; charset=utf-8\r\netag: \"strong\"\r\nvary: Origin\r\n", $"deflate;q=0.1, {encoding}");
        Assert.Equal([encoding], response.Content.Headers.ContentEncoding);
        Assert.Equal("Origin, Accept-Encoding", string.Join(", ", response.Headers.GetValues("vary")));
        Assert.Null(response.Headers.ETag);
        Assert.True(body.Length < Page.Length / 4);
        Assert.Equal(Page, Decompressed(body, library));
    }

    [Theory]
    [InlineData("content-type: text/html\r\n", null)]
    [InlineData("content-type: text/html\r\n", "br")]
    [InlineData("content-type: text/html\r\n", "gzip;q=0")]
    [InlineData("content-type: text/html\r\n", "gzip;q=0.5, identity")]
    [InlineData("content-type: image/png\r\n", "gzip")]
    [InlineData("content-type: text/html\r\ncache-control: no-transform\r\n", "gzip")]
    [InlineData("content-type: text/html\r\ncontent-encoding: x-own\r\n", "gzip")]
    public async Task Others_are_left_as_they_are(string head, string? accept)
    {
        var (response, body, _) = await GetAsync(Filter(), head, accept);
        Assert.DoesNotContain("gzip", response.Content.Headers.ContentEncoding);
        // Where only the client did not want it, caches are told.
        Assert.Equal(head == "content-type: text/html\r\n", response.Headers.Vary.Contains("Accept-Encoding"));
        Assert.Equal(Page.Length, response.Content.Headers.ContentLength);
        Assert.Equal(Page, Encoding.ASCII.GetString(body));
    }

    [Fact]
    public async Task Settings_say_which_responses_are_compressed()
    {
        const string Html = "content-type: text/html\r\n";
        var (_, small, _) = await GetAsync(Filter(more: "response_direction_config: {common_config: {min_content_length: 100000} }"), Html);
        Assert.Equal(Page.Length, small.Length);
        var (_, other, _) = await GetAsync(Filter(more: "response_direction_config: {common_config: {content_type: [text/plain]} }"), Html);
        Assert.Equal(Page.Length, other.Length);
        var (_, tagged, received) = await GetAsync(Filter(more: "response_direction_config: {disable_on_etag_header: true, remove_accept_encoding_header: true}"), Html + "etag: \"a\"\r\n");
        Assert.Equal(Page.Length, tagged.Length);
        Assert.DoesNotContain("accept-encoding", received);
        var (_, disabled, _) = await GetAsync(
            Filter(), Html, routes: "- {match: {prefix: \"/\"}, route: {cluster: app}, typed_per_filter_config: {compressor: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.CompressorPerRoute, disabled: true} } }");
        Assert.Equal(Page.Length, disabled.Length);
    }

    [Fact]
    public async Task Requests_are_compressed_when_asked()
    {
        await using var proxy = TestProxy.Start(filters: Filter(more: "request_direction_config: {common_config: {enabled: {default_value: true} } }"));
        var answer = await proxy.SendAsync($"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: {Page.Length}\r\nConnection: close\r\n\r\n{Page}");
        Assert.StartsWith("HTTP/1.1 200", answer);
        await Eventually.TrueAsync(() => proxy.Upstream.Received.EndsWith("0\r\n\r\n", StringComparison.Ordinal));
        Assert.Contains("content-encoding: gzip\r\n", proxy.Upstream.Received);
        Assert.Contains("transfer-encoding: chunked\r\n", proxy.Upstream.Received);
        Assert.Equal(Page.Length, await proxy.StatAsync("http.test.compressor.text.gzip.request.total_uncompressed_bytes"));
    }
}
