namespace Lateen.Bench.Fuzz;

/// <summary>
/// Makes new inputs of good ones: bits, bytes, lengths, repeats, splices, and the words that parsers look for. The same seed gives
/// the same inputs. Owned by one run.
/// </summary>
internal sealed class Mutator(int seed, byte[][] corpus)
{
    private static readonly byte[][] Words =
    [
        "\r\n"u8.ToArray(), "\r\n\r\n"u8.ToArray(), "\n"u8.ToArray(), "\r"u8.ToArray(), "\0"u8.ToArray(), " "u8.ToArray(), "\t"u8.ToArray(), ":"u8.ToArray(), ";"u8.ToArray(), ","u8.ToArray(),
        "Content-Length: 5\r\n"u8.ToArray(), "Transfer-Encoding: chunked\r\n"u8.ToArray(), "Host: b\r\n"u8.ToArray(), "HTTP/1.0"u8.ToArray(), "0\r\n\r\n"u8.ToArray(), "ffffffffffffffff"u8.ToArray(),
        [0xff], [0x80], [0x7f], [0x00, 0x00, 0x00], [0xff, 0xff, 0xff, 0xff], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(),
    ];

    private readonly Random _random = new(seed);
    private readonly List<byte> _bytes = [];

    /// <summary>The next input.</summary>
    public byte[] Next()
    {
        _bytes.Clear();
        _bytes.AddRange(corpus[_random.Next(corpus.Length)]);
        for (var changes = 1 + _random.Next(6); changes > 0; changes--) Change();
        return [.. _bytes];
    }

    private void Change()
    {
        var at = _random.Next(_bytes.Count + 1);
        switch (_random.Next(9))
        {
            case 0 when at < _bytes.Count:
                _bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < _bytes.Count:
                _bytes[at] = (byte)_random.Next(256);
                break;
            case 2 when at < _bytes.Count:
                _bytes.RemoveRange(at, Math.Min(_bytes.Count - at, 1 + _random.Next(8)));
                break;
            case 3:
                _bytes.Insert(at, (byte)_random.Next(256));
                break;
            case 4:
                _bytes.InsertRange(at, Words[_random.Next(Words.Length)]);
                break;
            case 5 when at < _bytes.Count:
                _bytes.InsertRange(at, [.. _bytes.GetRange(at, Math.Min(_bytes.Count - at, 1 + _random.Next(32)))]);
                break;
            case 6:
                var other = corpus[_random.Next(corpus.Length)];
                var from = _random.Next(other.Length);
                _bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, 1 + _random.Next(64))).ToArray());
                break;
            case 7:
                _bytes.InsertRange(at, Enumerable.Repeat((byte)_random.Next(256), 1 << _random.Next(9)));
                break;
            default:
                if (at < _bytes.Count) _bytes.RemoveRange(at, _bytes.Count - at);
                break;
        }
        if (_bytes.Count > 1 << 17) _bytes.RemoveRange(1 << 17, _bytes.Count - (1 << 17));
    }
}
