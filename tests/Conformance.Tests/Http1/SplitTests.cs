using System.Text;
using Xunit;

namespace Lateen.Conformance.Tests.Http1;

/// <summary>A message means the same however its bytes arrive: cut at every byte, at every two bytes, and one by one.</summary>
public sealed class SplitTests
{
    private static readonly string[] Requests =
    [
        "GET /a/b?c=d HTTP/1.1\r\nHost: example.test:80\r\nX-One: 1\r\nx-one:\t two \r\n\r\n",
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nabGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nC;name=value;q=\"x;y\"\r\n, world\r\n\r\n!\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n1\r\n\n\r\n00\r\nX-Sum: 12\r\nx-more: \r\n\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        "GET http://absolute.test/x HTTP/1.1\r\nHost: other\r\n\r\nCONNECT c.test:443 HTTP/1.1\r\nHost: c.test\r\n\r\n",
        "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /old HTTP/1.0\r\n\r\n",
    ];

    private static readonly string[] Responses =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nServer: x\r\n\r\nabcdHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfF;x\r\n" + Fives + "\r\n0\r\nGrpc-Status: 0\r\nGrpc-Message: \r\n\r\n",
        "HTTP/1.1 503 \r\nConnection: close\r\n\r\nthe rest\r\nuntil the end",
    ];

    // 0xff bytes.
    private const string Fives =
        "555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555" +
        "555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555";

    [Theory]
    [MemberData(nameof(Messages))]
    public void EverySplitGivesTheSameMessages(string text, bool responses)
    {
        var input = Encoding.Latin1.GetBytes(text);
        var whole = Describe(input, responses, []);
        Assert.StartsWith(nameof(Verdict.Whole), whole);
        for (var cut = 0; cut <= input.Length; cut++) Assert.Equal(whole, Describe(input, responses, [cut]));
        for (var first = 0; first < input.Length; first++)
            for (var second = first + 1; second < Math.Min(input.Length, first + 6); second++)
                Assert.Equal(whole, Describe(input, responses, [first, second]));
        Assert.Equal(whole, Describe(input, responses, Enumerable.Range(1, input.Length)));
    }

    /// <summary>What is refused whole is refused however it comes, and never begins a request more than it does whole.</summary>
    [Theory]
    [MemberData(nameof(Broken))]
    public void EverySplitOfABrokenMessageIsRefused(string text)
    {
        var input = Encoding.Latin1.GetBytes(text);
        var (verdict, messages) = MessageReading.Read(input, responses: false, []);
        Assert.Equal(Verdict.Refused, verdict);
        for (var cut = 0; cut <= input.Length; cut++)
        {
            var split = MessageReading.Read(input, responses: false, [cut]);
            Assert.Equal(Verdict.Refused, split.Verdict);
            Assert.Equal(messages.Count, split.Messages.Count);
        }
        Assert.Equal(Verdict.Refused, MessageReading.Read(input, responses: false, Enumerable.Range(1, input.Length)).Verdict);
    }

    public static TheoryData<string, bool> Messages()
    {
        var data = new TheoryData<string, bool>();
        foreach (var text in Requests) data.Add(text, false);
        foreach (var text in Responses) data.Add(text, true);
        return data;
    }

    public static TheoryData<string> Broken() =>
    [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\n\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\nY: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ];

    private static string Describe(byte[] input, bool responses, IEnumerable<int> arrivals)
    {
        var (verdict, messages) = MessageReading.Read(input, responses, arrivals, closed: responses);
        return $"{verdict}\n{string.Join('\n', messages)}";
    }
}
