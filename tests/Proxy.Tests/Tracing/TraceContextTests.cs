using System.Text;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Tracing;
using Xunit;

namespace Lateen.Proxy.Tests.Tracing;

public sealed class TraceContextTests
{
    [Theory]
    [InlineData("b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90", "80f198ee56343ba8", "64fe8b2a57d3eff7", "e457b5a2e4d86bd1", "05e3ac9a4f6e3b90", true)]
    [InlineData("b3: 64fe8b2a57d3eff7-e457b5a2e4d86bd1", "0", "64fe8b2a57d3eff7", "e457b5a2e4d86bd1", "0", null)]
    [InlineData("b3: 0", "0", "0", "0", "0", false)]
    [InlineData("x-b3-traceid: 64fe8b2a57d3eff7\nx-b3-spanid: e457b5a2e4d86bd1\nx-b3-sampled: 1", "0", "64fe8b2a57d3eff7", "e457b5a2e4d86bd1", "0", true)]
    [InlineData("x-b3-sampled: 0", "0", "0", "0", "0", false)]
    [InlineData("x-b3-traceid: nonsense\nx-b3-spanid: e457b5a2e4d86bd1", "0", "0", "0", "0", null)]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "af7651916cd43dd", "8448eb211c80319c", "b7ad6b7169203331", "0", true)]
    [InlineData("traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0", "0", "0", "0", null)]
    [InlineData("traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01", "0", "0", "0", "0", null)]
    public void Headers_of_every_kind_are_read(string headers, string high, string low, string span, string parent, bool? isSampled)
    {
        static ulong Hex(string text) => ulong.Parse(text, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(new TraceContext(Hex(high), Hex(low), Hex(span), Hex(parent), isSampled), TraceContext.Read(Map(headers), Propagation.B3 | Propagation.W3C));
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        var context = new TraceContext(1, 2, 3, 4, true);
        foreach (var propagation in new[] { Propagation.B3, Propagation.W3C })
        {
            var headers = new HeaderMap();
            context.Write(headers, propagation);
            Assert.Equal(propagation == Propagation.B3 ? context : context with { ParentId = 0 }, TraceContext.Read(headers, propagation));
        }
    }

    private static HeaderMap Map(string headers)
    {
        var map = new HeaderMap();
        foreach (var line in headers.Split('\n'))
            if (line.Split(": ") is [var name, var value])
                map.Add(Encoding.ASCII.GetBytes(name), Encoding.ASCII.GetBytes(value));
        return map;
    }
}
