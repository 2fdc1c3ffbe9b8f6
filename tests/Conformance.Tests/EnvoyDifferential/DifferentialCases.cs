namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>One request, written out.</summary>
/// <param name="Id">Told to both proxies in x-case; one for each request.</param>
internal sealed record DifferentialCase(string Id, string Method, string Target, string Host, string Headers, string Body)
{
    public string Text => $"{Method} {Target} HTTP/1.1\r\nHost: {Host}\r\nX-Case: {Id}\r\n{Headers}{(Body.Length > 0 || Method is "POST" or "PUT" ? $"Content-Length: {Body.Length}\r\n" : "")}\r\n{Body}";
}

/// <summary>The requests of the differential test.</summary>
internal static class DifferentialCases
{
    /// <param name="tokens">Tokens by what is good or bad about them.</param>
    public static List<DifferentialCase> All(IReadOnlyDictionary<string, string> tokens)
    {
        var cases = new List<DifferentialCase>();
        void Add(string target, string headers = "", string method = "GET", string host = "some.example", string body = "") =>
            cases.Add(new DifferentialCase($"c{cases.Count}", method, target, host, headers, body));

        foreach (var host in new[] { "exact.example", "EXACT.example", "exact.example:80", "a.suffix.example", "suffix.example", "a.b.suffix.example", "prefix.x", "prefix.", "prefix", "other" })
            foreach (var target in new[] { "/", "/path", "/direct" }) Add(target, host: host);
        foreach (var target in new[]
                 {
                     "/path", "/path?a=b", "/path/", "/pathx", "/nocase", "/NoCase/x", "/NOCASEX", "/sep", "/sep/x", "/sep?x", "/sepx", "/re/1", "/re/123", "/re/", "/re/1x", "/re/1?q", "/x/re/1",
                     "/./path", "/a/../path", "/a/b/../../path", "/%70ath", "/pat%68", "/path%2f", "//path", "/a//b", "/a\\b", "/..", "/../path", "/a/./b/.", "/a/b/..", "/%2e%2e/path", "/a;b/c", "/%", "/%zz",
                 })
            foreach (var method in new[] { "GET", "HEAD", "POST" }) Add(target, method: method, body: method == "POST" ? "hello" : "");
        foreach (var headers in new[] { "X-A: 1\r\n", "X-A: 2\r\n", "x-a: 1\r\nx-a: 1\r\n", "X-N: 3\r\n", "X-N: 5\r\n", "X-N: 6\r\n", "X-N: z\r\n", "X-N: -1\r\n", "X-B: no\r\n", "X-B: yes\r\n", "X-B: not\r\nX-N: 4\r\n", "" }) Add("/h", headers);
        foreach (var headers in new[] { "X-A: 1\r\nX-A: 2\r\n", "X-A: 1,2\r\n", "X-A: 1\r\nX-A: 3\r\n", "X-A: 3\r\nX-A: 2\r\n", "" }) Add("/joined", headers);
        foreach (var method in new[] { "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND" }) Add("/bodiless", "Accept: */*\r\n", method);
        foreach (var target in new[] { "/a#b", "/%00", "/%00/../x", "/a/%2e%2E/b", "/a%5cb" }) Add(target);
        foreach (var query in new[] { "", "?v=2", "?v=1", "?v=2&v=1", "?v=1&v=2", "?w", "?w=", "?x=1&w=3", "?V=2", "?v=2#w", "?v=%32" }) Add("/q" + query);
        foreach (var target in new[] { "/rewrite/", "/rewrite/a/b", "/rewrite/?q=1", "/rr/abc/def?x=1", "/rr/ABC/def", "/rr/a/b/c", "/rewrite/../path" }) Add(target);
        foreach (var target in new[] { "/redirect", "/redirect/x?y=1", "/secure", "/secure/x?y=1", "/moved", "/moved/on?y=1", "/movedon", "/direct", "/direct/x", "/nothing" })
            foreach (var host in new[] { "some.example", "some.example:8080", "some.example:443" }) Add(target, host: host);
        foreach (var target in new[] { "/dead", "/empty", "/unknown", "/retry-dead" })
            foreach (var method in new[] { "GET", "POST", "HEAD" }) Add(target, method: method);
        foreach (var cluster in new[] { "a", "b", "nope", "" }) Add("/unknown", $"X-Cluster: {cluster}\r\n");
        Add("/timeout", "X-Script: slow\r\n");
        Add("/timeout", "X-Script: 200\r\n");
        Add("/timeout", "X-Script: slow\r\n", "POST", body: "abc");
        Add("/per-try", "X-Script: slow,200\r\n");
        Add("/per-try", "X-Script: slow,slow\r\n");
        foreach (var target in new[] { "/retry-5xx", "/retry-gateway", "/retry-codes", "/retry-4xx", "/retry-reset", "/none" })
            foreach (var script in new[] { "200", "500,200", "503,200", "502,503,200", "503,503,503,200", "409,200", "418,200", "close,200", "close,close", "404" })
                foreach (var body in new[] { "", "payload" }) Add(target, $"X-Script: {script}\r\n", body.Length > 0 ? "POST" : "GET", body: body);
        Add("/retry-tight", "X-Script: 503,200\r\n");
        Add("/hop", "Expect: 100-continue\r\n", "POST", body: "later");
        foreach (var headers in new[] { "", "X-A: v\r\n", "X-Over: yours\r\n", "X-Absent: yours\r\n", "X-Only: yours\r\n", "X-B: gone\r\n", "X-Added: first\r\n", "X-Over: a\r\nX-Over: b\r\n" }) Add("/ops/x", headers);
        foreach (var headers in new[] { "Connection: x-hop\r\nX-Hop: 1\r\n", "Te: trailers\r\n", "Keep-Alive: 5\r\n", "X-Envoy-Retry-On: 5xx\r\n", "X-Forwarded-For: 9.9.9.9\r\n", "X-Forwarded-Proto: https\r\n", "X-Envoy-Internal: true\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n" }) Add("/hop", headers);
        foreach (var target in new[] { "/fault/abort", "/fault/delay", "/fault/grpc", "/fault/none" })
            foreach (var headers in new[] { "", "Content-Type: application/grpc\r\n" }) Add(target, headers, "POST");
        foreach (var origin in new[] { "http://ok", "http://a.friend", "http://evil", "null" })
        {
            Add("/cors", $"Origin: {origin}\r\n");
            Add("/cors", $"Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\n", "OPTIONS");
            Add("/nocors", $"Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\n", "OPTIONS");
            Add("/cors", $"Origin: {origin}\r\n", "DELETE");
        }
        foreach (var target in new[] { "/admin", "/admin/x", "/a/../admin", "/%61dmin", "/ADMIN", "//admin", "/admin;x", "/adm%2Fin", "/x/admin", "/admin?x" })
            foreach (var headers in new[] { "", "X-User: root\r\n", "X-User: Root\r\n" }) Add(target, headers);
        Add("/admin", "Content-Type: application/grpc\r\n", "POST");
        foreach (var target in new[] { "/jwt/must", "/jwt/may", "/jwt/any", "/jwt/failed", "/jwt/none", "/jwt/must/no", "/jwt/all" })
        {
            Add(target);
            foreach (var token in tokens.Values) Add(target, $"Authorization: Bearer {token}\r\n");
        }
        foreach (var (name, token) in tokens)
        {
            Add("/jwt/any", $"X-Token: {token}\r\n");
            if (name is "good" or "expired") Add($"/jwt/must?access_token={token}&z=1");
        }
        Add("/jwt/all", $"Authorization: Bearer {tokens["good"]}\r\nX-Token: {tokens["them"]}\r\n");
        Add("/jwt/must", "X-Sub: forged\r\nX-Payload: forged\r\n");
        Add("/jwt/may", "X-Sub: forged\r\nX-Payload: forged\r\n");
        Add("/jwt/must", $"Authorization: Basic {tokens["good"]}\r\n");
        Add("/jwt/must", $"Authorization: bearer {tokens["good"]}\r\n");
        return cases;
    }
}
