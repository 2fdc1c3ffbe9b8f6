using System.Text;
using System.Text.Json;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Http2.Hpack;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Http2;

public sealed class HpackTests
{
    [Theory]
    [InlineData("nghttp2")]
    [InlineData("nghttp2-16384-4096")]
    [InlineData("nghttp2-change-table-size")]
    [InlineData("haskell-http2-linear-huffman")]
    public void Stories_of_other_encoders_are_read_as_they_were_meant(string encoder)
    {
        var blocks = 0;
        foreach (var file in Directory.EnumerateFiles(Corpora.Require("hpack", encoder), "*.json"))
        {
            var decoder = new HpackDecoder(16384, new ByteBuilder());
            using var story = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var block in story.RootElement.GetProperty("cases").EnumerateArray())
            {
                var sink = new Collected();
                Assert.True(decoder.TryDecode(Convert.FromHexString(block.GetProperty("wire").GetString()!), sink), $"{file} {block.GetProperty("seqno")}");
                var expected = block.GetProperty("headers").EnumerateArray().Select(field => field.EnumerateObject().Single()).Select(field => $"{field.Name}: {field.Value.GetString()}");
                Assert.Equal(expected, sink.Fields);
                blocks++;
            }
        }
        Assert.True(blocks > 100, $"{blocks} blocks");
    }

    [Fact]
    public void What_we_write_is_read_back()
    {
        var (scratch, block) = (new ByteBuilder(), new ByteBuilder());
        var decoder = new HpackDecoder(4096, scratch);
        foreach (var file in Directory.EnumerateFiles(Corpora.Require("hpack", "raw-data"), "*.json"))
        {
            using var story = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var message in story.RootElement.GetProperty("cases").EnumerateArray())
            {
                var encoder = new HpackEncoder();
                encoder.OnTableSizeChanged();
                block.Clear();
                encoder.Begin(block);
                var fields = message.GetProperty("headers").EnumerateArray().Select(field => field.EnumerateObject().Single()).Select(field => (field.Name, Value: field.Value.GetString()!)).ToList();
                foreach (var (name, value) in fields) HpackEncoder.Field(block, KnownHeaders.Find(Encoding.UTF8.GetBytes(name)), Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
                var sink = new Collected();
                Assert.True(decoder.TryDecode(block.Span, sink));
                Assert.Equal(fields.Select(field => $"{field.Name}: {field.Value}"), sink.Fields);
            }
        }
    }

    [Theory]
    [InlineData("80", "index 0")]
    [InlineData("be", "an index past the table")]
    [InlineData("3fe11f823fe11f", "a size update behind a field")]
    [InlineData("3fe21f", "a larger table than announced")]
    [InlineData("ffffffffff7f", "an integer without end")]
    [InlineData("ff80808080808080808000", "an integer of nothing")]
    [InlineData("4003616263", "a string that is cut off")]
    [InlineData("400a61", "a name that is cut off")]
    [InlineData("0085ffffffffff0161", "the end-of-string symbol")]
    [InlineData("008118", "padding that is not of ones")]
    [InlineData("0082f8ff0161", "padding of more than seven bits")]
    [InlineData("007fffffff7f61", "a string longer than anything")]
    public void Broken_blocks_are_refused(string wire, string what) =>
        Assert.False(new HpackDecoder(4096, new ByteBuilder()).TryDecode(Convert.FromHexString(wire), new Collected()), what);

    [Fact]
    public void Entries_that_are_evicted_are_gone_and_the_table_keeps_its_size()
    {
        var table = new DynamicTable(200);
        for (var i = 0; i < 1000; i++) table.Add(KnownHeader.Unknown, Encoding.ASCII.GetBytes($"name-{i}"), Encoding.ASCII.GetBytes(new string('v', i % 90)));
        Assert.True(table.Size <= 200);
        table.At(0, out _, out var name, out var value);
        Assert.Equal(("name-999", 9), (Encoding.ASCII.GetString(name), value.Length));
        table.Add(KnownHeader.Unknown, "large"u8, new byte[300]);
        Assert.Equal((0, 0), (table.Count, table.Size));
    }

    [Fact]
    public void Secrets_are_never_indexed()
    {
        var block = new ByteBuilder();
        HpackEncoder.Field(block, KnownHeader.Authorization, "authorization"u8, "Bearer x"u8);
        Assert.Equal(0x10, block.Span[0] & 0xf0);
    }

    [Fact]
    public void A_steady_stream_of_blocks_allocates_nothing()
    {
        var (decoder, map, block) = (new HpackDecoder(4096, new ByteBuilder()), new HeaderMap(), new ByteBuilder());
        var wire = Convert.FromHexString("828684418cf1e3c2e5f23a6ba0ab90f4ff7a8825b650c3cbba872b53032a2f2a");
        var sink = new Mapped(map);
        void Turn()
        {
            map.Clear();
            decoder.TryDecode(wire, sink);
            block.Clear();
            HpackEncoder.Status(block, 207);
            for (var place = 0; place < map.Places; place++)
                if (map.TryAt(place, out var known, out var name, out var value))
                    HpackEncoder.Field(block, known, name, value);
        }
        for (var i = 0; i < 1000; i++) Turn();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Turn();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class Collected : IFieldSink
    {
        public List<string> Fields { get; } = [];

        public void OnField(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            Assert.Equal(KnownHeaders.Find(name), known);
            Fields.Add($"{Encoding.UTF8.GetString(name)}: {Encoding.UTF8.GetString(value)}");
        }
    }

    private sealed class Mapped(HeaderMap map) : IFieldSink
    {
        public void OnField(KnownHeader known, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => map.AddKnown(known, name, value);
    }
}
