using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf.Collections;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Upstream.Grpc;
using Lateen.Rpc;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>Asks a gRPC service. Immutable. Source: envoy.service.auth.v3.Authorization and Envoy's ext_authz_grpc_impl.cc.</summary>
internal sealed class GrpcAuthService(GrpcTarget target, CheckSettingsSnapshot settings) : IAuthService
{
    private const long DefaultTimeoutMs = 200;

    /// <summary>The only call of the service.</summary>
    public static readonly RpcMethod<CheckRequest, CheckResponse> Check = new(RpcKind.Unary, "envoy.service.auth.v3.Authorization", "Check");

    public async ValueTask<AuthAnswer> AskAsync(HttpExchange exchange, AuthQuestion question)
    {
        var reply = await GrpcCall.UnaryAsync(exchange.Context, exchange.Worker, target, Check, CheckRequests.Of(exchange, question, settings), target.TimeoutMs ?? DefaultTimeoutMs);
        return reply.Answer is { } answer ? Read(answer) : AuthAnswer.Failed;
    }

    private static AuthAnswer Read(CheckResponse answer)
    {
        if ((answer.Status?.Code ?? 0) == 0)
        {
            var ok = answer.OkResponse;
#pragma warning disable CS0612 // The older place of the metadata.
            var metadata = answer.DynamicMetadata ?? ok?.DynamicMetadata;
#pragma warning restore CS0612
            return new AuthAnswer(AuthVerdict.Allow)
            {
                Request = ok is null ? [] : [.. ok.Headers.Select(option => RequestChange(option)), .. ok.HeadersToRemove.Select(HeaderChange.Removal)],
                Response = ok is null ? [] : [.. ok.ResponseHeadersToAdd.Select(HeaderChange.Of)],
                QuerySet = ok is null ? [] : [.. ok.QueryParametersToSet],
                QueryRemoved = ok is null ? [] : [.. ok.QueryParametersToRemove],
                Metadata = metadata,
            };
        }
        var isError = answer.HttpResponseCase == CheckResponse.HttpResponseOneofCase.ErrorResponse;
        var denial = isError ? answer.ErrorResponse : answer.DeniedResponse;
        return new AuthAnswer(isError ? AuthVerdict.Error : AuthVerdict.Deny)
        {
            Status = (int)(denial?.Status?.Code ?? 0),
            Body = Encoding.UTF8.GetBytes(denial?.Body ?? ""),
            Response = Appended(denial?.Headers),
            Metadata = answer.DynamicMetadata,
        };
    }

    /// <summary>parity: only append counts for the request's headers.</summary>
    private static HeaderChange RequestChange(HeaderValueOption option) => HeaderChange.Of(Appends(option) ? HeaderChangeKind.Add : HeaderChangeKind.Set, option.Header);

    private static HeaderChange[] Appended(RepeatedField<HeaderValueOption>? options) =>
        options is null ? [] : [.. options.Select(option => HeaderChange.Of(Appends(option) ? HeaderChangeKind.Add : HeaderChangeKind.Set, option.Header))];

#pragma warning disable CS0612 // append is the field that these messages are read by.
    private static bool Appends(HeaderValueOption option) => option.Append is true;
#pragma warning restore CS0612
}
