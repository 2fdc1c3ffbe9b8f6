namespace Lateen.Rpc.Framing;

/// <summary>
/// A message for sending that is serialized already, for the most part in pieces that it shares with others. A server writes it piece by
/// piece: no copy of the whole is ever made. Immutable.
/// </summary>
public interface IPiecewiseMessage
{
    /// <summary>Bytes of all pieces together.</summary>
    int Size { get; }

    /// <summary>The serialized message, in order.</summary>
    IEnumerable<ReadOnlyMemory<byte>> Pieces { get; }
}
