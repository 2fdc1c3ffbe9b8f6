using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http1;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Http1;

public sealed class BodyReaderTests
{
    [Fact]
    public void ReadsTheSameBodyHoweverTheBytesArrive()
    {
        var whole = Encoding.ASCII.GetBytes("4\r\nWiki\r\n5;name=value;flag\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nX-Trailer: yes\r\n\r\nNEXT");
        for (var cut = 0; cut <= whole.Length; cut++) Assert.Equal(("Wikipedia in\r\n\r\nchunks.", "NEXT"), Read(whole, cut));
        for (var step = 1; step < 8; step++) Assert.Equal("Wikipedia in\r\n\r\nchunks.", ReadInSteps(whole, step));
    }

    [Theory]
    [InlineData("5\nhello\r\n0\r\n\r\n")] // bare LF behind the size
    [InlineData("5;a\nhello\r\n0\r\n\r\n")] // LF in the extension (CVE-2025-55315)
    [InlineData("5;a\rb\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5 \r\nhello\r\n0\r\n\r\n")]
    [InlineData(" 5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("-1\r\nhello\r\n0\r\n\r\n")]
    [InlineData("0x5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("\r\nhello\r\n0\r\n\r\n")]
    [InlineData("10000000000000000\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhelloX\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello\n0\r\n\r\n")]
    [InlineData("0\r\nbad trailer\r\n\r\n")]
    public void RefusesBrokenChunks(string text)
    {
        var body = new BodyReader();
        body.Begin(BodyKind.Chunked, 0);
        var trailers = new HeaderMap();
        var input = Encoding.Latin1.GetBytes(text).AsSpan();
        BodyStep step;
        do
        {
            step = body.Next(input, trailers, out var consumed, out _);
            input = input[consumed..];
        }
        while (step == BodyStep.Data);
        Assert.Equal(BodyStep.Bad, step);
    }

    [Fact]
    public void ALongExtensionIsRefused()
    {
        var body = new BodyReader();
        body.Begin(BodyKind.Chunked, 0);
        Assert.Equal(BodyStep.Bad, body.Next(Encoding.ASCII.GetBytes("5;" + new string('a', 16 * 1024)), new HeaderMap(), out _, out _));
    }

    [Fact]
    public void ABodyByLengthEndsThere()
    {
        var body = new BodyReader();
        body.Begin(BodyKind.Length, 3);
        Assert.Equal(BodyStep.Data, body.Next("abcdef"u8, new HeaderMap(), out var consumed, out var length));
        Assert.Equal((3, 3), (consumed, length));
        Assert.True(body.IsDone);
        Assert.False(Fresh(BodyKind.Length, 3).EndOfInput());
        Assert.True(Fresh(BodyKind.UntilClose, 0).EndOfInput());
    }

    private static BodyReader Fresh(BodyKind kind, long length)
    {
        var body = new BodyReader();
        body.Begin(kind, length);
        return body;
    }

    private static (string Body, string Left) Read(byte[] whole, int cut)
    {
        var body = Fresh(BodyKind.Chunked, 0);
        var (text, trailers) = (new StringBuilder(), new HeaderMap());
        var (start, end) = (0, cut);
        while (true)
        {
            var step = body.Next(whole.AsSpan(start, end - start), trailers, out var consumed, out var length);
            text.Append(Encoding.ASCII.GetString(whole, start + consumed - length, length));
            start += consumed;
            if (step == BodyStep.End) return (text.ToString(), Encoding.ASCII.GetString(whole, start, whole.Length - start));
            Assert.NotEqual(BodyStep.Bad, step);
            if (step == BodyStep.NeedMore) end = whole.Length;
        }
    }

    private static string ReadInSteps(byte[] whole, int size)
    {
        var body = Fresh(BodyKind.Chunked, 0);
        var (text, trailers) = (new StringBuilder(), new HeaderMap());
        for (int start = 0, end = 0; ;)
        {
            var step = body.Next(whole.AsSpan(start, end - start), trailers, out var consumed, out var length);
            text.Append(Encoding.ASCII.GetString(whole, start + consumed - length, length));
            start += consumed;
            if (step == BodyStep.End) return text.ToString();
            Assert.NotEqual(BodyStep.Bad, step);
            if (step == BodyStep.NeedMore) end = Math.Min(whole.Length, end + size);
        }
    }
}
