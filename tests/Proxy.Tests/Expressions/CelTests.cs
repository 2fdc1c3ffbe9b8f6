using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Expressions;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Xunit;

namespace Lateen.Proxy.Tests.Expressions;

public sealed class CelTests
{
    [Theory]
    [InlineData("1 + 2 * 3 == 7", "true")]
    [InlineData("(1 + 2) * 3", "9")]
    [InlineData("-3 + 5", "2")]
    [InlineData("7 / 2", "3")]
    [InlineData("7 % 0", null)]
    [InlineData("1.5 + 1", "2.5")]
    [InlineData("'a' + \"b\"", "ab")]
    [InlineData("'abc'.contains('b') && !'abc'.endsWith('b')", "true")]
    [InlineData("'abc'.matches('^a.c$')", "true")]
    [InlineData("'b' in ['a', 'b']", "true")]
    [InlineData("size('abc') > 2 ? 'long' : 'short'", "long")]
    [InlineData("request.method == 'GET'", "true")]
    [InlineData("request.headers['x-a']", "1")]
    [InlineData("int(request.headers['x-a']) + 1", "2")]
    [InlineData("has(request.headers.nothing)", "false")]
    [InlineData("'x-a' in request.headers", "true")]
    [InlineData("request.headers['nothing'] == 'x'", null)]
    [InlineData("request.headers['nothing'] == 'x' || true", "true")]
    [InlineData("false && request.headers['nothing'] == 'x'", "false")]
    [InlineData("request.url_path", "/p")]
    [InlineData("request.query", "q=1")]
    [InlineData("response.code >= 500", "true")]
    public void Expressions_are_worked_out(string text, string? expected)
    {
        var (request, response, info) = (new HeaderMap(), new HeaderMap(), new StreamInfo { Status = 503 });
        request.Add(KnownHeader.Method, "GET"u8);
        request.Add(KnownHeader.Path, "/p?q=1"u8);
        request.Add("x-a"u8, "1"u8);
        Assert.Equal(expected, CelParser.Parse(text, "here").Evaluate(new FormatContext(info, request, response)).Print());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 +")]
    [InlineData("'open")]
    [InlineData("nobody.knows")]
    [InlineData("request.foo(1)")]
    [InlineData("1 2")]
    [InlineData("((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))")]
    public void What_is_no_expression_is_refused(string text) => Assert.Equal("here", Assert.Throws<ConfigRefusedException>(() => CelParser.Parse(text, "here")).Path);
}
