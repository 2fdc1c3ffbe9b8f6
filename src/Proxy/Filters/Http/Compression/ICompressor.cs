using System.IO.Compression;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Compression.Brotli.Compressor.V3;
using Envoy.Extensions.Compression.Gzip.Compressor.V3;
using Lateen.Proxy.Buffers;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Filters.Http.Compression;

/// <summary>Compresses one body. Owned by one worker.</summary>
internal interface ICompressor : IDisposable
{
    /// <summary>Puts the compressed form of all that was given so far into the output; with <paramref name="last"/> its end too.</summary>
    void Write(ReadOnlySpan<byte> data, bool last, ByteBuilder output);
}

/// <summary>A way to compress: its name in content-encoding, and who does it. Immutable.</summary>
internal sealed record CompressorLibrary(string Encoding, string Name, Func<ICompressor> Create)
{
    /// <summary>Envoy's window of 2^12 and memory level are room for zlib to save; the library of .NET has its own.</summary>
    public static CompressorLibrary Compile(TypedExtensionConfig? config, string path)
    {
        if (config?.TypedConfig is null) throw new ConfigRefusedException(path, "is missing");
        if (config.TypedConfig.TryUnpack<Gzip>(out var gzip))
        {
            var options = new ZLibCompressionOptions
            {
                CompressionLevel = gzip.CompressionLevel == Gzip.Types.CompressionLevel.DefaultCompression ? 6 : (int)gzip.CompressionLevel,
                CompressionStrategy = gzip.CompressionStrategy switch
                {
                    Gzip.Types.CompressionStrategy.Filtered => ZLibCompressionStrategy.Filtered,
                    Gzip.Types.CompressionStrategy.HuffmanOnly => ZLibCompressionStrategy.HuffmanOnly,
                    Gzip.Types.CompressionStrategy.Rle => ZLibCompressionStrategy.RunLengthEncoding,
                    Gzip.Types.CompressionStrategy.Fixed => ZLibCompressionStrategy.Fixed,
                    _ => ZLibCompressionStrategy.Default,
                },
            };
            return new CompressorLibrary("gzip", config.Name, () => new GzipCompressor(options));
        }
        if (config.TypedConfig.TryUnpack<Brotli>(out var brotli))
        {
            if (brotli.Quality is > 11) throw new ConfigRefusedException(path + ".typed_config.quality", "is more than 11");
            if (brotli.WindowBits is < 10 or > 24) throw new ConfigRefusedException(path + ".typed_config.window_bits", "is not from 10 to 24");
            if (brotli.EncoderMode is not (Brotli.Types.EncoderMode.Default or Brotli.Types.EncoderMode.Generic)) throw new ConfigRefusedException(path + ".typed_config.encoder_mode", $"{brotli.EncoderMode} is not supported");
            var (quality, window) = ((int)(brotli.Quality ?? 3), (int)(brotli.WindowBits ?? 18));
            return new CompressorLibrary("br", config.Name, () => new BrotliCompressor(quality, window));
        }
        throw new ConfigRefusedException(path, $"the compressor {config.Name} ({config.TypedConfig.TypeUrl}) is not supported");
    }
}

/// <inheritdoc cref="ICompressor"/>
internal sealed class GzipCompressor : ICompressor
{
    private readonly MemoryStream _compressed = new();
    private readonly GZipStream _stream;

    public GzipCompressor(ZLibCompressionOptions options) => _stream = new GZipStream(_compressed, options, leaveOpen: true);

    public void Write(ReadOnlySpan<byte> data, bool last, ByteBuilder output)
    {
        _stream.Write(data);
        if (last) _stream.Dispose();
        else _stream.Flush();
        output.Append(_compressed.GetBuffer().AsSpan(0, (int)_compressed.Length));
        _compressed.SetLength(0);
    }

    public void Dispose() => _stream.Dispose();
}

/// <inheritdoc cref="ICompressor"/>
internal sealed class BrotliCompressor(int quality, int window) : ICompressor
{
    private const int Step = 16 * 1024;
    private BrotliEncoder _encoder = new(quality, window);

    public void Write(ReadOnlySpan<byte> data, bool last, ByteBuilder output)
    {
        System.Buffers.OperationStatus status;
        do
        {
            status = _encoder.Compress(data, output.Room(Step), out var consumed, out var written, isFinalBlock: last);
            output.Advance(written);
            data = data[consumed..];
        }
        while (!data.IsEmpty || status == System.Buffers.OperationStatus.DestinationTooSmall);
        if (last) return;
        do
        {
            status = _encoder.Flush(output.Room(Step), out var written);
            output.Advance(written);
        }
        while (status == System.Buffers.OperationStatus.DestinationTooSmall);
    }

    public void Dispose() => _encoder.Dispose();
}
