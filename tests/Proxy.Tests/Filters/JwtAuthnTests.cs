using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Tests.Forwarding;
using Xunit;

namespace Lateen.Proxy.Tests.Filters;

/// <summary>The JWT filter through a running proxy.</summary>
public sealed class JwtAuthnTests : IDisposable
{
    private readonly TestTokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    private string Filter(string provider = "", string requires = "{provider_name: p}") => $$"""
        - name: jwt
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
            providers:
              p: {issuer: us, local_jwks: {inline_string: '{{_tokens.Jwks}}'}{{(provider.Length > 0 ? ", " + provider : "")}} }
            rules:
            - {match: {prefix: "/open"} }
            - {match: {prefix: "/"}, requires: {{requires}} }
        """;

    [Fact]
    public async Task Good_token_goes_through_and_is_taken_out()
    {
        await using var proxy = TestProxy.Start(filters: Filter("claim_to_headers: [{header_name: x-sub, claim_name: sub}, {header_name: x-team, claim_name: a.team}], forward_payload_header: x-payload"));
        var token = _tokens.Sign("us", more: "\"a\":{\"team\":7}");
        var request = $"GET /x?y=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX-Sub: forged\r\nX-Payload: forged\r\nConnection: close\r\n\r\n";
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(request));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync(request));
        Assert.Contains("x-sub: me\r\n", proxy.Upstream.Received);
        Assert.Contains("x-team: 7\r\n", proxy.Upstream.Received);
        Assert.Contains($"x-payload: {token.Split('.')[1]}\r\n", proxy.Upstream.Received);
        Assert.DoesNotContain("forged", proxy.Upstream.Received);
        Assert.DoesNotContain("authorization", proxy.Upstream.Received);
        Assert.Equal(2, await proxy.StatAsync("http.test.jwt_authn.allowed"));
        Assert.Equal(1, await proxy.StatAsync("http.test.jwt_authn.jwt_cache_hit"));
    }

    [Theory]
    [InlineData("none", 401, "Jwt is missing")]
    [InlineData("issuer", 401, "Jwt issuer is not configured")]
    [InlineData("expired", 401, "Jwt is expired")]
    [InlineData("audience", 403, "Audiences in Jwt are not allowed")]
    [InlineData("forged", 401, "Jwt verification fails")]
    [InlineData("unsigned", 401, "Jwt header [alg] is not supported")]
    [InlineData("kid", 401, "Jwks doesn't have key to match kid or alg from Jwt")]
    [InlineData("confused", 401, "Jwks doesn't have key to match kid or alg from Jwt")]
    [InlineData("bits", 401, "Jwt header is an invalid Base64url encoded")]
    [InlineData("garbage", 401, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections")]
    public async Task Bad_token_is_refused_by_what_is_wrong_with_it(string what, int code, string text)
    {
        await using var proxy = TestProxy.Start(filters: Filter("audiences: [shop]"));
        var good = _tokens.Sign("us", more: "\"aud\":\"https://shop/\"");
        var token = what switch
        {
            "none" => "",
            "issuer" => _tokens.Sign("them"),
            "expired" => _tokens.Sign("us", -120, "\"aud\":\"shop\""),
            "audience" => _tokens.Sign("us", more: "\"aud\":[\"other\"]"),
            "forged" => good[..^4] + (good.EndsWith("AAAA", StringComparison.Ordinal) ? "BBBB" : "AAAA"),
            "unsigned" => _tokens.Sign("us", more: "\"aud\":\"shop\"", header: """{"alg":"none"}"""),
            "kid" => _tokens.Sign("us", more: "\"aud\":\"shop\"", header: """{"alg":"ES256","kid":"two"}"""),
            "confused" => _tokens.Sign("us", more: "\"aud\":\"shop\"", header: """{"alg":"HS256","kid":"one"}"""),
            "bits" => "AB.AB.AB",
            _ => "abc",
        };
        var answer = await proxy.SendAsync($"GET /x?q=s3cret HTTP/1.1\r\nHost: a\r\n{(token.Length > 0 ? $"Authorization: Bearer {token}\r\n" : "")}Connection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {code}", answer);
        Assert.EndsWith("\r\n\r\n" + text, answer);
        Assert.Contains("www-authenticate: Bearer realm=\"http://a/x\"", answer);
        Assert.DoesNotContain("s3cret", answer);
        Assert.Equal(0, proxy.Upstream.Heads);
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync($"GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {good}\r\nConnection: close\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync("GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }

    [Theory]
    [InlineData("allow_missing", "", 200)]
    [InlineData("allow_missing", "bad", 401)]
    [InlineData("allow_missing_or_failed", "bad", 200)]
    public async Task Missing_and_failed_are_told_apart(string allowed, string token, int code)
    {
        await using var proxy = TestProxy.Start(filters: Filter(requires: $$"""{requires_any: {requirements: [{provider_name: p}, { {{allowed}}: {} }]} }"""));
        Assert.StartsWith($"HTTP/1.1 {code}", await proxy.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{(token.Length > 0 ? $"Authorization: Bearer {token}\r\n" : "")}Connection: close\r\n\r\n"));
    }

    [Fact]
    public async Task Token_is_found_where_the_provider_says_and_nowhere_else()
    {
        await using var proxy = TestProxy.Start(filters: Filter("from_headers: [{name: x-token, value_prefix: 'T '}], from_params: [t], from_cookies: [c]"));
        var token = _tokens.Sign("us");
        async Task Expect(string status, string path, string header) =>
            Assert.StartsWith("HTTP/1.1 " + status, await proxy.SendAsync($"GET {path} HTTP/1.1\r\nHost: a\r\n{header}Connection: close\r\n\r\n"));
        await Expect("200", "/", $"X-Token: T {token}\r\n");
        await Expect("200", $"/?t={token}&u=1", "");
        await Expect("200", "/", $"Cookie: b=1; c={token}\r\n");
        await Expect("401", "/", $"Authorization: Bearer {token}\r\n");
        await Expect("401", $"/?access_token={token}", "");
        Assert.Contains("GET /?u=1 HTTP/1.1", proxy.Upstream.Received);
    }

    [Fact]
    public async Task Rbac_sees_the_claims()
    {
        await using var proxy = TestProxy.Start(filters: Filter("payload_in_metadata: payload") + """

            - name: rbac
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                rules:
                  action: ALLOW
                  policies:
                    admins:
                      permissions: [{any: true}]
                      principals:
                      - metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: groups}], value: {list_match: {one_of: {string_match: {exact: admin}}}}}
            """);
        async Task Expect(string status, string claims) =>
            Assert.StartsWith("HTTP/1.1 " + status, await proxy.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {_tokens.Sign("us", more: claims)}\r\nConnection: close\r\n\r\n"));
        await Expect("200", "\"groups\":[\"x\",\"admin\"]");
        await Expect("403", "\"groups\":[\"x\"]");
        await Expect("403", "\"groups\":\"admin\"");
    }

    [Fact]
    public async Task Keys_are_fetched_once_and_kept()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        server.Listen();
        var served = 0;
        _ = Task.Run(async () =>
        {
            using var peer = await server.AcceptAsync();
            var buffer = new byte[4096];
            while (await peer.ReceiveAsync(buffer) > 0)
            {
                Interlocked.Increment(ref served);
                await peer.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: {_tokens.Jwks.Length}\r\n\r\n{_tokens.Jwks}"));
            }
        }, TestContext.Current.CancellationToken);
        await using var proxy = TestProxy.Start(
            filters: $$"""
            - name: jwt
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                providers:
                  p: {issuer: us, remote_jwks: {http_uri: {uri: "http://keys.example/jwks", cluster: keys, timeout: 2s} } }
                  q: {issuer: nobody, remote_jwks: {http_uri: {uri: "http://keys.example/jwks", cluster: dead, timeout: 2s} } }
                rules:
                - {match: {prefix: "/q"}, requires: {provider_name: q} }
                - {match: {prefix: "/"}, requires: {provider_name: p} }
            """,
            clusters: $$"""
            - name: keys
              type: STATIC
              load_assignment: {cluster_name: keys, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{((IPEndPoint)server.LocalEndPoint!).Port}} } } } }]}]}
            """);
        for (var i = 0; i < 3; i++)
            Assert.StartsWith("HTTP/1.1 200", await proxy.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {_tokens.Sign("us", more: $"\"n\":{i}")}\r\nConnection: close\r\n\r\n"));
        Assert.Equal(1, served);
        Assert.EndsWith("Jwks remote fetch is failed", await proxy.SendAsync($"GET /q HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {_tokens.Sign("nobody")}\r\nConnection: close\r\n\r\n"));
        Assert.Equal(1, await proxy.StatAsync("http.test.jwt_authn.jwks_fetch_failed"));
    }
}
