namespace Lateen.Proxy.Http.Headers;

/// <summary>The grpc-timeout header. Pure. Source: grpc/grpc doc/PROTOCOL-HTTP2.md, "Timeout".</summary>
internal static class GrpcTimeout
{
    private const int MostDigits = 8;

    /// <summary>Milliseconds, rounded up; null for anything that is not at most eight digits and a unit.</summary>
    public static long? Parse(ReadOnlySpan<byte> text)
    {
        if (text.Length is < 2 or > MostDigits + 1 || !HttpText.TryParseLength(text[..^1], out var amount)) return null;
        return text[^1] switch
        {
            (byte)'H' => amount * 3_600_000,
            (byte)'M' => amount * 60_000,
            (byte)'S' => amount * 1000,
            (byte)'m' => amount,
            (byte)'u' => (amount + 999) / 1000,
            (byte)'n' => (amount + 999_999) / 1_000_000,
            _ => null,
        };
    }
}
