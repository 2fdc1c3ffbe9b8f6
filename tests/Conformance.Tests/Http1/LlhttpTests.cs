using System.Text;
using Lateen.Support;
using Xunit;

namespace Lateen.Conformance.Tests.Http1;

/// <summary>
/// The strict cases of llhttp's corpus. What llhttp refuses, the proxy refuses; what llhttp takes, the proxy reads the same way,
/// but for the cases that it refuses on purpose, each with its reason.
/// </summary>
public sealed class LlhttpTests
{
    [Theory]
    [MemberData(nameof(Cases), "request")]
    [MemberData(nameof(Cases), "response")]
    public void ReadsAsLlhttpDoesOrMoreStrictly(string folder, string file, string title, int index)
    {
        var given = LlhttpCase.Read(Corpora.Require("llhttp", folder, file)).ElementAt(index);
        Assert.Equal(title, given.Title);
        var input = folder == "request" ? WithHost(given.Input) : given.Input;
        var (verdict, messages) = MessageReading.Read(input, folder == "response", [], closed: given.Type.EndsWith("-finish", StringComparison.Ordinal), answersHead: given.SkipsBody);
        var expected = given.Messages();
        if (given.Error == 5)
        {
            // Data behind "Connection: close": llhttp calls it an error, the proxy reads no further. Both take the first message.
            Assert.False(messages[^1].KeepAlive);
            return;
        }
        if (given.Error != 0)
        {
            // The proxy judges a head when it is whole: where llhttp stops early it may still wait.
            if (verdict == Verdict.Unfinished) verdict = MessageReading.Read([.. input, .. "\r\n\r\n"u8], folder == "response", []).Verdict;
            if (Strictness.TakenOnPurpose(given) is not null) Assert.NotEqual(Verdict.Refused, verdict);
            else Assert.Equal(Verdict.Refused, verdict);
            return;
        }
        if (Strictness.RefusedOnPurpose(given) is not null)
        {
            Assert.Equal(Verdict.Refused, verdict);
            return;
        }
        if (!given.EndsInUpgrade) Assert.NotEqual(Verdict.Refused, verdict);
        for (var i = 0; i < Math.Min(messages.Count, expected.Count); i++)
            if (expected[i].HeadComplete)
                Same(expected[i], messages[i], given.EndsInUpgrade && i == expected.Count - 1);
        if (!given.EndsInUpgrade) Assert.Equal(expected.Count(message => message.HeadComplete), messages.Count);
    }

    public static TheoryData<string, string, string, int> Cases(string folder)
    {
        var data = new TheoryData<string, string, string, int>();
        if (Corpora.SharedFolder is null) return data;
        foreach (var path in Corpora.Files(Path.Combine("llhttp", folder), ".md"))
        {
            var index = 0;
            foreach (var one in LlhttpCase.Read(path))
            {
                // To leave a request's body unread while it is sent is a game of llhttp's callers, not a message.
                if ((one.Type == folder || one.Type == folder + "-finish") && !(folder == "request" && one.SkipsBody)) data.Add(folder, one.File, one.Title, index);
                index++;
            }
        }
        return data;
    }

    [Fact]
    public void TheCorpusIsRead()
    {
        Corpora.Require("llhttp");
        Assert.True(Cases("request").Count > 120, $"{Cases("request").Count} requests");
        Assert.True(Cases("response").Count > 60, $"{Cases("response").Count} responses");
    }

    private static void Same(ExpectedMessage expected, ReadMessage read, bool upgrade)
    {
        if (expected.Method.Length > 0)
        {
            Assert.Equal(expected.Method, read.Method);
            var path = expected.Url.IndexOf("://", StringComparison.Ordinal) is var scheme and > 0 && expected.Url.IndexOf('/', scheme + 3) is var slash and > 0 ? expected.Url[slash..] : expected.Url;
            if (path.StartsWith('/') || read.Method == "CONNECT") Assert.Equal(path, read.Target);
        }
        Assert.Equal(Comparable(expected.Headers), Comparable(read.Headers));
        if (upgrade) return;
        Assert.Equal(expected.Body.ToString(), read.Body.ToString());
        if (expected.Complete) Assert.True(read.Complete);
    }

    /// <summary>The host is told apart from the headers by the proxy.</summary>
    private static List<string> Comparable(IEnumerable<(string Name, string Value)> headers) =>
        [.. headers.Where(header => header.Name != "host").Select(header => $"{header.Name}: {header.Value}")];

    /// <summary>HTTP/1.1 requires Host and the proxy insists on it; llhttp's cases mostly have none. Given one, the rest of a case is tried too.</summary>
    private static byte[] WithHost(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input);
        var heads = new StringBuilder();
        var at = 0;
        while (at < text.Length && text.IndexOf(" HTTP/1.", at, StringComparison.Ordinal) is var version and >= 0 && text.IndexOf("\r\n", version, StringComparison.Ordinal) is var line and >= 0)
        {
            var end = text.IndexOf("\r\n\r\n", line, StringComparison.Ordinal);
            var head = text[line..(end < 0 ? text.Length : end)];
            heads.Append(text[at..(line + 2)]);
            if (!head.Contains("\nhost:", StringComparison.OrdinalIgnoreCase)) heads.Append("Host: added\r\n");
            at = line + 2;
        }
        return Encoding.Latin1.GetBytes(heads.Append(text[at..]).ToString());
    }
}

/// <summary>Where the proxy and llhttp part on purpose, with the reasons.</summary>
internal static class Strictness
{
    private const string OtherProtocol = "not HTTP/1: RTSP, ICE and HTTP/0.9 are not served";
    private const string Codings = "chunked is the only coding that is understood; what is not understood is not passed on as if it were";
    private const string EmptyLine = "an empty line before a response belongs to no response: the connection is not used again";

    private static readonly Dictionary<string, string> Refused = new(StringComparer.Ordinal)
    {
        ["M-SEARCH request"] = "RFC 9112 section 3.2.4: the asterisk form is for OPTIONS",
        ["SOURCE request with ICE"] = OtherProtocol,
        ["OPTIONS request with RTSP"] = OtherProtocol,
        ["ANNOUNCE request with RTSP"] = OtherProtocol,
        ["No HTTP version"] = OtherProtocol,
        ["RTSP response"] = OtherProtocol,
        ["ICE response"] = OtherProtocol,
        ["HTTP version 0.9"] = OtherProtocol,
        ["`host:port` and basic auth"] = "RFC 9110 section 4.2.4: userinfo in an authority is an error, and hides where a request goes",
        ["POST with `chunked` as last transfer-encoding"] = Codings,
        ["POST with `chunked` as last transfer-encoding (multiple headers)"] = Codings,
        ["`chunked` before other transfer-encoding"] = Codings,
        ["multiple transfer-encoding where chunked is not the last one"] = Codings,
        ["`chunkedchunked` transfer-encoding does not enable chunked enconding"] = Codings,
        ["HTTP 304 with Content-Length"] = EmptyLine,
        ["HTTP 100 first, then 400"] = EmptyLine,
        ["Response starting with CRLF"] = EmptyLine,
        ["response/Should parse multiple events"] = EmptyLine,
    };

    private static readonly Dictionary<string, string> Taken = new(StringComparer.Ordinal)
    {
        ["HTTP protocol and ANNOUNCE method"] = "RFC 9110 section 9.1: methods are open, a proxy passes on what it does not know",
        ["Invalid method"] = "the same: the name is a token",
        ["Disallow UTF-8 in URI path in strict mode"] = "clients send it; it is routed and passed on byte for byte",
    };

    /// <summary>Why the proxy refuses what llhttp takes; null when it should take it.</summary>
    public static string? RefusedOnPurpose(LlhttpCase given) => Refused.GetValueOrDefault(given.Title) ?? Refused.GetValueOrDefault(given.Type + "/" + given.Title);

    /// <summary>Why the proxy takes what llhttp refuses; null when it should refuse it.</summary>
    public static string? TakenOnPurpose(LlhttpCase given) => Taken.GetValueOrDefault(given.Title);
}
