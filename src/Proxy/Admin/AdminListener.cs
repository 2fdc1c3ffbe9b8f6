using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Network;
using Lateen.Proxy.Stats;

namespace Lateen.Proxy.Admin;

/// <summary>The listener of the admin pages, on the engine's own codec.</summary>
internal static class AdminListener
{
    public const string Name = "admin";

    public static ListenerSnapshot Create(ProxyServer server, SocketAddress address)
    {
        var pages = new AdminPages(server);
        var hcm = new HcmSnapshot
        {
            Stats = server.Stats.Group("http.admin.", HttpStats.Create),
            Http2Stats = server.Stats.Group("http2.", Http2Stats.Create),
            Codec = CodecKind.Http1,
            Routes = new RouteSlot("") { Table = Http.Routing.RouteTable.Empty },
            Handler = pages.ServeAsync,
            GenerateRequestId = false,
        };
        return new ListenerSnapshot
        {
            Name = Name,
            Address = address,
            Default = new ChainSnapshot("", new ChainMatch(), new HttpFilterSnapshot(hcm), 0),
            Stats = server.Stats.Group("listener.admin.", ListenerStats.Create),
        };
    }
}
