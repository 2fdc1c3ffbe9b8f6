using Lateen.EmbeddedCluster.Node.Containers;
using Lateen.EmbeddedCluster.Processes;

namespace Lateen.EmbeddedCluster.Node.Serving;

/// <summary>Shows a client what a container prints from now on, and types what the client types. Owned by one request.</summary>
internal static class AttachSession
{
    /// <summary>Runs until the container ends or the client is gone.</summary>
    public static async Task RunAsync(ExecStreams streams, ContainerFolder folder, ProcessIdentity container, bool withInput, CancellationToken cancel)
    {
        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(cancel, streams.Gone.Token);
        try
        {
            if (withInput && File.Exists(folder.Input)) _ = TypeAsync(streams, folder.Input, lifetime.Token);
            // All of the log, since an attached client has usually just started the pod and wants to see its first line.
            var reader = new LogReader(folder, new LogRequest { Follow = true }, () => container.IsAlive);
            await reader.CopyToAsync(new OutputStream(streams), lifetime.Token);
            await streams.FinishAsync(ExecSession.Success(), cancel);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The client is gone.
        }
    }

    private static async Task TypeAsync(ExecStreams streams, string pipe, CancellationToken cancel)
    {
        try
        {
            await using var program = new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            await foreach (var bytes in streams.Input.Reader.ReadAllAsync(cancel)) await program.WriteAsync(bytes, cancel);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // The container reads no more.
        }
    }

    private sealed class OutputStream(ExecStreams streams) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel = default) => new(streams.WriteAsync(ExecOutput.Standard, bytes, cancel));

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancel) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
