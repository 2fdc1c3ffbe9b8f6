namespace Lateen.Proxy.Filters.Http.GrpcStats;

/// <summary>Messages of a gRPC stream so far, counted by the prefixes in its bytes. Owned by one worker.</summary>
internal sealed class GrpcCounts
{
    /// <summary>Filter state that holds it.</summary>
    public const string Key = "envoy.filters.http.grpc_stats";

    private GrpcMessageCounter _requests, _responses;

    public long Requests => _requests.Messages;

    public long Responses => _responses.Messages;

    public void SeeRequest(ReadOnlySpan<byte> data) => _requests.See(data);

    public void SeeResponse(ReadOnlySpan<byte> data) => _responses.See(data);

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Requests},{Responses}");
}

/// <summary>Counts length-prefixed messages in a stream that is cut anywhere. Source: gRPC over HTTP/2, "Length-Prefixed-Message".</summary>
internal struct GrpcMessageCounter
{
    private const int PrefixLength = 5;
    private int _prefix;
    private uint _left;

    /// <summary>Messages that have begun.</summary>
    public long Messages { get; private set; }

    public void See(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
            if (_prefix < PrefixLength)
            {
                // The first byte says whether the message is compressed, the next four how long it is.
                _left = _prefix == 0 ? 0 : _left << 8 | data[0];
                data = data[1..];
                if (++_prefix != PrefixLength) continue;
                Messages++;
                if (_left == 0) _prefix = 0;
            }
            else
            {
                var taken = (int)Math.Min(_left, (uint)data.Length);
                _left -= (uint)taken;
                data = data[taken..];
                if (_left == 0) _prefix = 0;
            }
    }
}
