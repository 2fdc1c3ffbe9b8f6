using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>
/// Exec over a WebSocket: each message begins with the number of its channel (v4.channel.k8s.io; v5 adds a message that closes one).
/// </summary>
internal sealed class WebSocketExecStreams(WebSocket socket) : ExecStreams
{
    /// <summary>The sub-protocols, best first.</summary>
    public static readonly string[] Protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

    private const byte InputChannel = 0, ErrorChannel = 3, ResizeChannel = 4, CloseChannel = 255;

    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>Reads until the client is gone.</summary>
    public async Task ReadAsync(CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            while (true)
            {
                var count = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (count == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
                    part = await socket.ReceiveAsync(buffer.AsMemory(count), cancel);
                    count += part.Count;
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) return;
                if (count == 0) continue;
                if (buffer[0] == InputChannel && count > 1) await Input.Writer.WriteAsync(buffer[1..count], cancel);
                else if (buffer[0] == ResizeChannel) ReadSize(buffer.AsSpan(1, count - 1));
                else if (buffer[0] == CloseChannel && count > 1 && buffer[1] == InputChannel) Input.Writer.TryComplete();
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The client left without a word.
        }
        finally
        {
            Input.Writer.TryComplete();
            await Gone.CancelAsync();
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(ExecOutput output, ReadOnlyMemory<byte> bytes, CancellationToken cancel) => SendAsync((byte)output, bytes, cancel);

    /// <inheritdoc/>
    public override async Task FinishAsync(JsonObject status, CancellationToken cancel)
    {
        try
        {
            await SendAsync(ErrorChannel, Encoding.UTF8.GetBytes(status.ToJsonString()), cancel);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel);
        }
        catch (Exception gone) when (gone is IOException or WebSocketException)
        {
            // Nobody is there to be told.
        }
    }

    private async Task SendAsync(byte channel, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var message = new byte[bytes.Length + 1];
        message[0] = channel;
        bytes.CopyTo(message.AsMemory(1));
        await _writing.WaitAsync(cancel);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancel);
        }
        catch (WebSocketException gone)
        {
            throw new IOException("the client is gone", gone);
        }
        finally
        {
            _writing.Release();
        }
    }
}
