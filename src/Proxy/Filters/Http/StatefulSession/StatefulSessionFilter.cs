using System.Text;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Network;

namespace Lateen.Proxy.Filters.Http.StatefulSession;

/// <summary>
/// Keeps a client with the host that served it first: the host's address stands in a cookie or a header of the client. Immutable. Source:
/// Envoy's stateful session filter.
/// </summary>
internal sealed class StatefulSessionFilter(string name, SessionSettings own) : IHttpFilter
{
    public ValueTask<FilterResult> OnRequestAsync(HttpExchange exchange)
    {
        if (SettingsFor(exchange) is { } settings && settings.State?.Find(exchange.Request) is { } address && Parse(address) is { } host)
            (exchange.BoundTo, exchange.BoundStrictly) = (host, settings.IsStrict);
        return new ValueTask<FilterResult>(FilterResult.Continue);
    }

    public void OnResponse(HttpExchange exchange)
    {
        // Answers from here were served by no host.
        if (exchange.Info.UpstreamHost is not { } host || exchange.Info.UpstreamFirstByte == 0 || SettingsFor(exchange) is not { State: { } state }) return;
        if (!exchange.BoundTo.Equals(host.Address)) state.Tell(exchange.Request, exchange.Response, host.Text, exchange.Worker.UtcNow);
    }

    private SessionSettings? SettingsFor(HttpExchange exchange)
    {
        var route = exchange.RouteConfig<SessionRoute>(name);
        return route is null ? own : route.IsDisabled ? null : route.Settings;
    }

    private static SocketAddress? Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out var port) && SocketAddress.TryParse(text[..colon].Trim('[', ']'), port, out var address) ? address : null;
    }
}

/// <summary>Where a client keeps the address of its host. Immutable.</summary>
internal interface ISessionState
{
    /// <summary>The address that the client says; null for none.</summary>
    string? Find(HeaderMap request);

    /// <summary>Tells the client its host.</summary>
    void Tell(HeaderMap request, HeaderMap response, string address, DateTime now);
}

/// <summary>A header with the address in Base64.</summary>
internal sealed class HeaderSession(string name) : ISessionState
{
    private readonly byte[] _name = Encoding.ASCII.GetBytes(name.ToLowerInvariant());

    public string? Find(HeaderMap request) => request.TryGet(_name, out var value) ? SessionText.Decode(value) : null;

    public void Tell(HeaderMap request, HeaderMap response, string address, DateTime now) => response.Set(_name, Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.ASCII.GetBytes(address))));
}

/// <summary>Base64 of a session's value.</summary>
internal static class SessionText
{
    /// <summary>Null when it is no Base64.</summary>
    public static string? Decode(ReadOnlySpan<byte> value) => DecodeBytes(value) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <inheritdoc cref="Decode"/>
    public static byte[]? DecodeBytes(ReadOnlySpan<byte> value)
    {
        var text = Encoding.ASCII.GetString(value);
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : null;
    }
}
