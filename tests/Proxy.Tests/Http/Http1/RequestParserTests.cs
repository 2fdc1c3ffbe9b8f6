using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Http1;

public sealed class RequestParserTests
{
    private const string Good = "POST /a/b?c=d HTTP/1.1\r\nHost: Example.test:80\r\nX-One: 1\r\nx-one:\t two \r\nContent-Length: 3\r\n\r\nabc";

    [Fact]
    public void ReadsAHeadAndLeavesTheBody()
    {
        var (status, headers, facts, consumed) = Parse(Good);
        Assert.Equal(ParseStatus.Done, status);
        Assert.Equal("POST", Text(headers[KnownHeader.Method]));
        Assert.Equal("/a/b?c=d", Text(headers[KnownHeader.Path]));
        Assert.Equal("Example.test:80", Text(headers[KnownHeader.Authority]));
        Assert.Equal(2, headers.CountOf("x-one"u8));
        Assert.Equal((BodyKind.Length, 3L, true), (facts.Body, facts.ContentLength, facts.KeepAlive));
        Assert.Equal(Good.Length - 3, consumed);
    }

    [Fact]
    public void EveryPrefixOfAHeadIsIncomplete()
    {
        var head = Good.Length - 3;
        for (var length = 0; length < head; length++) Assert.Equal(ParseStatus.Incomplete, Parse(Good[..length]).Status);
        Assert.Equal(ParseStatus.Done, Parse(Good[..head]).Status);
    }

    [Theory]
    [InlineData("Content-Length: 3\r\nTransfer-Encoding: chunked")] // A1
    [InlineData("Content-Length: 3\r\nContent-Length: 4")] // A2
    [InlineData("Content-Length: 3\r\nContent-Length: 3")] // A3: one rule, refused
    [InlineData("Content-Length: +5")] // A4
    [InlineData("Content-Length: 5,5")]
    [InlineData("Content-Length: 0x5")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 9223372036854775808")]
    [InlineData("Content-Length:")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")]
    [InlineData("X: a\r\n b")] // A10: obs-fold
    [InlineData("X : a")]
    [InlineData(": a")]
    [InlineData("X: a\0b")]
    [InlineData("X: a\rb")]
    [InlineData("X: a\x7f")]
    [InlineData("X\u00e9: a")]
    [InlineData("Host: other")] // A11: two hosts
    public void RefusesWhatCouldBeReadInTwoWays(string headers) =>
        Assert.Equal(ParseStatus.Bad, Parse($"POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n").Status);

    [Theory]
    [InlineData("Transfer-Encoding: xchunked")] // A5
    [InlineData("Transfer-Encoding: chunked, identity")]
    [InlineData("Transfer-Encoding: identity, chunked")]
    [InlineData("Transfer-Encoding: identity")]
    public void RefusesCodingsThatItDoesNotKnow(string headers) =>
        Assert.Equal(ParseStatus.UnsupportedCoding, Parse($"POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n").Status);

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: a\r\n\r\n")] // A7: bare LF
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\r\n\r\n")]
    [InlineData("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1 \r\nHost: a\r\n\r\n")]
    [InlineData("GET /\r\nHost: a\r\n\r\n")]
    [InlineData("G@T / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")] // no Host
    [InlineData("GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n")] // userinfo
    [InlineData("GET a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n")]
    public void RefusesBrokenRequestLines(string head) => Assert.Equal(ParseStatus.Bad, Parse(head).Status);

    [Fact]
    public void OldAndUnknownVersionsHaveAnswersOfTheirOwn()
    {
        Assert.Equal(ParseStatus.OldVersion, Parse("GET / HTTP/1.0\r\nHost: a\r\n\r\n").Status);
        Assert.Equal(ParseStatus.UnknownVersion, Parse("GET / HTTP/2.0\r\nHost: a\r\n\r\n").Status);
        Assert.Equal(ParseStatus.Bad, Parse("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", accept10: true).Status); // A6
    }

    [Fact]
    public void AnAbsoluteTargetWinsOverHost()
    {
        var (_, headers, _, _) = Parse("GET http://b.test/x HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(("b.test", "/x"), (Text(headers[KnownHeader.Authority]), Text(headers[KnownHeader.Path])));
        Assert.Equal(-1, headers.Find("host"u8, 0));
    }

    [Fact]
    public void HeadsHaveLimits()
    {
        Assert.Equal(ParseStatus.TooLarge, Parse($"GET /{new string('a', 61 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n").Status);
        Assert.Equal(ParseStatus.TooLarge, Parse(new string('a', 61 * 1024)).Status);
        Assert.Equal(ParseStatus.TooLarge, Parse("GET / HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Repeat("x: y\r\n", 100)) + "\r\n").Status);
        Assert.Equal(ParseStatus.Done, Parse("GET / HTTP/1.1\r\nHost: a\r\n" + string.Concat(Enumerable.Repeat("x: y\r\n", 99)) + "\r\n").Status);
    }

    [Fact]
    public void NoiseNeverThrows()
    {
        var random = new Random(7);
        var good = Encoding.Latin1.GetBytes(Good);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = good.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var facts = default(MessageFacts);
            _ = Http1Parser.ParseRequest(bytes, Http1Limits.Default, new HeaderMap(), ref facts, out var consumed);
            Assert.InRange(consumed, 0, bytes.Length);
        }
    }

    private static (ParseStatus Status, HeaderMap Headers, MessageFacts Facts, int Consumed) Parse(string text, bool accept10 = false)
    {
        var headers = new HeaderMap();
        var facts = default(MessageFacts);
        var status = Http1Parser.ParseRequest(Encoding.Latin1.GetBytes(text), Http1Limits.Default with { AcceptHttp10 = accept10 }, headers, ref facts, out var consumed);
        return (status, headers, facts, consumed);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
