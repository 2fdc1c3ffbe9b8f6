using Lateen.Rpc.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Routing;

namespace Lateen.Hosting.Rpc;

/// <summary>Puts the gRPC handlers on Kestrel.</summary>
public static class RpcEndpoints
{
    /// <summary>
    /// Serves the methods of a table. Every other path that is called with gRPC's content type is answered with status
    /// Unimplemented.
    /// </summary>
    public static void MapRpc(this IEndpointRouteBuilder endpoints, RpcServiceTable table)
    {
        foreach (var path in table.Paths) endpoints.MapPost(path, context => ServeAsync(context, table));
        endpoints.MapPost("/{service}/{method}", context =>
        {
            if (IsRpc(context)) return ServeAsync(context, table);
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    private static async Task ServeAsync(HttpContext context, RpcServiceTable table)
    {
        if (!IsRpc(context))
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        // gRPC limits messages, not bodies; and a stream may be silent for hours.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } requestRate) requestRate.MinDataRate = null;
        await table.ServeAsync(context.Request.Path, new KestrelRpcTransport(context));
    }

    private static bool IsRpc(HttpContext context) => context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;
}
