using System.Text;
using System.Text.Json;
using Lateen.Proxy.Http.Http2;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Http2;

public sealed class FramesTests
{
    public static TheoryData<string> Good() => Vectors(file => !file.Contains("/error/", StringComparison.Ordinal));

    public static TheoryData<string> Bad() => Vectors(file => file.Contains("/error/", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Good))]
    public void Frames_are_read_as_they_were_meant(string file)
    {
        var (head, payload, vector) = Read(file);
        var (frame, content) = (vector.GetProperty("frame"), vector.GetProperty("frame").GetProperty("frame_payload"));
        Assert.Equal((frame.GetProperty("length").GetInt32(), (FrameType)frame.GetProperty("type").GetInt32(), (FrameFlags)frame.GetProperty("flags").GetInt32(), frame.GetProperty("stream_identifier").GetInt32()),
            (head.Length, head.Type, head.Flags, head.Stream));
        Assert.Equal(Http2Error.None, Judge(head, payload));
        var again = new byte[FrameHeader.Size];
        head.Write(again);
        Assert.Equal(Convert.FromHexString(vector.GetProperty("wire").GetString()!)[..FrameHeader.Size], again);
        switch (head.Type)
        {
            case FrameType.Data or FrameType.Headers:
                Assert.True(Frames.TryUnwrap(head, payload, out var unwrapped, out var dependsOn));
                Assert.Equal(content.GetProperty(head.Type == FrameType.Data ? "data" : "header_block_fragment").GetString(), Encoding.ASCII.GetString(unwrapped));
                if (head.Has(FrameFlags.Priority) && head.Type == FrameType.Headers) Assert.Equal(content.GetProperty("stream_dependency").GetInt32(), dependsOn);
                break;
            case FrameType.Priority:
                Assert.Equal(content.GetProperty("stream_dependency").GetInt32(), Frames.ReadStream(payload));
                break;
            case FrameType.RstStream:
                Assert.Equal(content.GetProperty("error_code").GetUInt32(), (uint)Frames.ReadError(payload));
                break;
            case FrameType.GoAway:
                Assert.Equal((content.GetProperty("last_stream_id").GetInt32(), content.GetProperty("error_code").GetUInt32()), (Frames.ReadStream(payload), (uint)Frames.ReadError(payload.AsSpan(4))));
                break;
            case FrameType.WindowUpdate:
                Assert.Equal(content.GetProperty("window_size_increment").GetInt32(), Frames.ReadStream(payload));
                break;
            case FrameType.Settings:
                foreach (var (setting, at) in content.GetProperty("settings").EnumerateArray().Select((setting, i) => (setting, i * 6)))
                    Assert.Equal(((SettingId)setting[0].GetInt32(), setting[1].GetUInt32()), Frames.ReadSetting(payload.AsSpan(at)));
                break;
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Broken_frames_get_their_error(string file)
    {
        var (head, payload, vector) = Read(file);
        Assert.Contains((int)Judge(head, payload), vector.GetProperty("error").EnumerateArray().Select(code => code.GetInt32()));
    }

    private static Http2Error Judge(in FrameHeader head, ReadOnlySpan<byte> payload)
    {
        if (Frames.Check(head) is var wrong and not Http2Error.None) return wrong;
        var content = payload;
        if (head.Type is FrameType.Data or FrameType.Headers or FrameType.PushPromise && !Frames.TryUnwrap(head, payload, out content, out _)) return Http2Error.ProtocolError;
        // Nobody may push to us: what a push promises is only looked at here.
        var isWrong = head.Type == FrameType.WindowUpdate && Frames.ReadStream(payload) == 0 || head.Type == FrameType.PushPromise && (Frames.ReadStream(content) == 0 || Frames.ReadStream(content) % 2 != 0);
        return isWrong ? Http2Error.ProtocolError : Http2Error.None;
    }

    private static (FrameHeader Head, byte[] Payload, JsonElement Vector) Read(string file)
    {
        var vector = JsonDocument.Parse(File.ReadAllText(Corpora.Require("http2-frames", file))).RootElement;
        var wire = Convert.FromHexString(vector.GetProperty("wire").GetString()!);
        return (FrameHeader.Read(wire), wire[FrameHeader.Size..], vector);
    }

    private static TheoryData<string> Vectors(Func<string, bool> which)
    {
        if (Corpora.SharedFolder is not { } shared) return [];
        var folder = Path.Combine(shared, "corpora", "http2-frames");
        return [.. Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories).Where(which).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];
    }
}
