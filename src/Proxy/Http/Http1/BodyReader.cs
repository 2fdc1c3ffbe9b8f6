using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Http1;

/// <summary>What <see cref="BodyReader.Next"/> found.</summary>
internal enum BodyStep
{
    /// <summary>A stretch of body bytes.</summary>
    Data,

    /// <summary>More input is needed.</summary>
    NeedMore,

    /// <summary>The body is over.</summary>
    End,

    /// <summary>The framing is broken.</summary>
    Bad,
}

/// <summary>
/// Takes the framing off an HTTP/1 body: by length, by chunks, or until the sender closes. Owned by one message. Source:
/// RFC 9112 section 7; hostile rows A7 to A9.
/// </summary>
internal struct BodyReader
{
    private const int LongestSizeLine = 4096;
    private const int MaxHexDigits = 15;
    private BodyKind _kind;
    private Stage _stage;
    private long _left;

    private enum Stage : byte
    {
        Size,
        Data,
        DataEnd,
        Trailers,
        Done,
    }

    /// <summary>Nothing of the body is left to read.</summary>
    public readonly bool IsDone => _stage == Stage.Done;

    public void Begin(BodyKind kind, long length)
    {
        (_kind, _left) = (kind, length);
        _stage = kind switch
        {
            BodyKind.None => Stage.Done,
            BodyKind.Chunked => Stage.Size,
            _ => Stage.Data,
        };
    }

    /// <summary>
    /// Looks at the input: <paramref name="consumed"/> bytes are dealt with, of which the last <paramref name="length"/> are body
    /// when the result is <see cref="BodyStep.Data"/>. Trailers are checked and dropped unless a map is given for them.
    /// </summary>
    public BodyStep Next(ReadOnlySpan<byte> input, HeaderMap trailers, out int consumed, out int length)
    {
        (consumed, length) = (0, 0);
        while (true)
        {
            var rest = input[consumed..];
            switch (_stage)
            {
                case Stage.Done:
                    return BodyStep.End;
                case Stage.Data when rest.IsEmpty:
                    return BodyStep.NeedMore;
                case Stage.Data:
                    length = _kind == BodyKind.UntilClose ? rest.Length : (int)Math.Min(_left, rest.Length);
                    consumed += length;
                    if (_kind == BodyKind.UntilClose) return BodyStep.Data;
                    _left -= length;
                    if (_left == 0) _stage = _kind == BodyKind.Chunked ? Stage.DataEnd : Stage.Done;
                    return BodyStep.Data;
                case Stage.DataEnd:
                    if (rest.Length < 2) return rest is [not (byte)'\r'] ? BodyStep.Bad : BodyStep.NeedMore;
                    if (!rest.StartsWith("\r\n"u8)) return BodyStep.Bad;
                    consumed += 2;
                    _stage = Stage.Size;
                    break;
                case Stage.Size:
                    var step = Size(rest, out var used);
                    if (step != BodyStep.Data) return step;
                    consumed += used;
                    _stage = _left == 0 ? Stage.Trailers : Stage.Data;
                    break;
                case Stage.Trailers:
                    switch (Http1Parser.ParseTrailers(rest, Http1Limits.Default, trailers, out var trailerBytes))
                    {
                        case ParseStatus.Incomplete:
                            return BodyStep.NeedMore;
                        case ParseStatus.Done:
                            consumed += trailerBytes;
                            _stage = Stage.Done;
                            return BodyStep.End;
                        default:
                            return BodyStep.Bad;
                    }
            }
        }
    }

    /// <summary>The sender closed: the end of a body that ends so, an error for any other.</summary>
    public bool EndOfInput()
    {
        if (_stage == Stage.Done) return true;
        if (_kind != BodyKind.UntilClose) return false;
        _stage = Stage.Done;
        return true;
    }

    /// <summary>Hex digits, extensions that mean nothing here but must be well formed, CRLF.</summary>
    private BodyStep Size(ReadOnlySpan<byte> input, out int used)
    {
        used = 0;
        var end = input.IndexOf((byte)'\n');
        var line = end < 0 ? input : input[..end];
        if (end == 0 || end > 0 && line[^1] != '\r' || line.Length > LongestSizeLine) return BodyStep.Bad;
        if (end > 0) line = line[..^1];
        var digits = 0;
        long size = 0;
        while (digits < line.Length && HexValue(line[digits]) is var value and >= 0)
        {
            size = size * 16 + value;
            if (++digits > MaxHexDigits) return BodyStep.Bad;
        }
        var rest = line[digits..];
        if (end < 0)
        {
            // Refuse early what can never become a size line; a lone CR at the end may still be followed by LF.
            if (rest is [.., (byte)'\r']) rest = rest[..^1];
            return digits == 0 && line.Length > 0 || !MayBeExtension(rest) ? BodyStep.Bad : BodyStep.NeedMore;
        }
        if (digits == 0 || !IsExtension(rest)) return BodyStep.Bad;
        _left = size;
        used = end + 1;
        return BodyStep.Data;
    }

    private static bool MayBeExtension(ReadOnlySpan<byte> rest) => rest.IsEmpty || rest[0] == ';' && HttpText.IsFieldValue(rest);

    /// <summary>Any number of <c>;name</c>, <c>;name=token</c> and <c>;name="text"</c> (RFC 9112 section 7.1.1), blanks only inside quotes.</summary>
    private static bool IsExtension(ReadOnlySpan<byte> rest)
    {
        if (!MayBeExtension(rest)) return false;
        while (!rest.IsEmpty)
        {
            if (rest[0] != ';') return false;
            rest = rest[1..];
            if (!TakeToken(ref rest)) return false;
            if (rest is not [(byte)'=', ..]) continue;
            rest = rest[1..];
            if (!(rest is [(byte)'"', ..] ? TakeQuoted(ref rest) : TakeToken(ref rest))) return false;
        }
        return true;
    }

    private static bool TakeToken(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOfAny((byte)';', (byte)'=');
        var token = end < 0 ? rest : rest[..end];
        rest = rest[token.Length..];
        return HttpText.IsToken(token);
    }

    private static bool TakeQuoted(ref ReadOnlySpan<byte> rest)
    {
        for (var i = 1; i < rest.Length; i++)
            if (rest[i] == '\\') i++;
            else if (rest[i] == '"')
            {
                rest = rest[(i + 1)..];
                return true;
            }
        return false;
    }

    private static int HexValue(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
