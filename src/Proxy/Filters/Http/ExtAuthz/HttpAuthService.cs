using System.Text;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Upstream;

namespace Lateen.Proxy.Filters.Http.ExtAuthz;

/// <summary>
/// Asks by an HTTP request of the same method and path; what is answered with 200 is allowed. Immutable. Source: Envoy's
/// source/extensions/filters/common/ext_authz/ext_authz_http_impl.cc.
/// </summary>
internal sealed class HttpAuthService : IAuthService
{
    private const long DefaultTimeoutMs = 200;
    private readonly string _cluster;
    private readonly byte[] _pathPrefix;
    private readonly long _timeoutMs;
    private readonly NameList _allowed, _disallowed;
    private readonly (byte[] Name, byte[] Value)[] _headersToAdd;
    private readonly NameList _upstreamHeaders, _upstreamHeadersToAppend, _clientHeadersOnSuccess, _metadataHeaders;
    private readonly NameList? _clientHeaders;

    public HttpAuthService(HttpService service, Envoy.Type.Matcher.V3.ListStringMatcher? allowed, Envoy.Type.Matcher.V3.ListStringMatcher? disallowed, string path)
    {
        if (service.ServerUri is not { Cluster.Length: > 0 } uri) throw new ConfigRefusedException(path + ".server_uri", "names no cluster");
        if (service.RetryPolicy is not null) throw new ConfigRefusedException(path + ".retry_policy", "is not supported");
        var (request, response) = (service.AuthorizationRequest, service.AuthorizationResponse);
        var at = path + ".authorization_response.";
        (_cluster, _pathPrefix, _timeoutMs) = (uri.Cluster, Encoding.ASCII.GetBytes(service.PathPrefix), Durations.Ms(uri.Timeout) ?? DefaultTimeoutMs);
#pragma warning disable CS0612 // The older place of the list is what Istio sends.
        _allowed = NameList.Of(allowed ?? request?.AllowedHeaders, path + ".authorization_request.allowed_headers");
#pragma warning restore CS0612
        _disallowed = NameList.Of(disallowed, path + ".disallowed_headers");
        _headersToAdd = [.. request?.HeadersToAdd.Select(header => (Encoding.ASCII.GetBytes(header.Key.ToLowerInvariant()), Encoding.UTF8.GetBytes(header.Value))) ?? []];
        _upstreamHeaders = NameList.Of(response?.AllowedUpstreamHeaders, at + "allowed_upstream_headers");
        _upstreamHeadersToAppend = NameList.Of(response?.AllowedUpstreamHeadersToAppend, at + "allowed_upstream_headers_to_append");
        _clientHeaders = response?.AllowedClientHeaders is { Patterns.Count: > 0 } client ? NameList.Of(client, at + "allowed_client_headers") : null;
        _clientHeadersOnSuccess = NameList.Of(response?.AllowedClientHeadersOnSuccess, at + "allowed_client_headers_on_success");
        _metadataHeaders = NameList.Of(response?.DynamicMetadataFromHeaders, at + "dynamic_metadata_from_headers");
    }

    public async ValueTask<AuthAnswer> AskAsync(HttpExchange exchange, AuthQuestion question)
    {
        var reply = await ClusterCall.SendAsync(exchange.Context, exchange.Worker, _cluster, Check(exchange.Request, question), question.Body, _timeoutMs);
        if (reply.Status != CallStatus.Ok || reply.Code >= 500) return AuthAnswer.Failed;
        return reply.Code == 200 ? Allow(reply.Headers) : Deny(reply);
    }

    /// <summary>The question: the request's method, host and path, and those of its headers that may be told.</summary>
    private HeaderMap Check(HeaderMap request, AuthQuestion question)
    {
        var check = new HeaderMap();
        check.Add(KnownHeader.Method, request[KnownHeader.Method]);
        check.Add(KnownHeader.Path, [.. _pathPrefix, .. request[KnownHeader.Path]]);
        check.Add(KnownHeader.Authority, request[KnownHeader.Authority]);
        check.Add(KnownHeader.Scheme, "http"u8);
        for (var place = 0; place < request.Places; place++)
            if (request.TryAt(place, out var known, out var header, out var value) && header[0] != ':' && known is not (KnownHeader.ContentLength or KnownHeader.TransferEncoding) && !HttpText.IsHop(known)
                && (known == KnownHeader.Authorization || _allowed.IsMatch(header)) && !_disallowed.IsMatch(header))
                check.Add(header, value);
        check.Add(KnownHeader.ContentLength, "0"u8);
        if (question.HasBody) check.Set("x-envoy-auth-partial-body"u8, question.IsPart ? "true"u8 : "false"u8);
        foreach (var (header, value) in _headersToAdd) check.Set(header, value);
        return check;
    }

    private AuthAnswer Allow(HeaderMap answer)
    {
        var (request, response) = (new List<HeaderChange>(), new List<HeaderChange>());
        Struct? metadata = null;
        for (var place = 0; place < answer.Places; place++)
        {
            if (!answer.TryAt(place, out _, out var header, out var value) || header[0] == ':') continue;
            if (_upstreamHeaders.IsMatch(header)) request.Add(new HeaderChange(HeaderChangeKind.Set, header.ToArray(), value.ToArray()));
            else if (_upstreamHeadersToAppend.IsMatch(header)) request.Add(new HeaderChange(HeaderChangeKind.Add, header.ToArray(), value.ToArray()));
            if (_clientHeadersOnSuccess.IsMatch(header)) response.Add(new HeaderChange(HeaderChangeKind.Add, header.ToArray(), value.ToArray()));
            if (_metadataHeaders.IsMatch(header)) (metadata ??= new Struct()).Fields[Encoding.ASCII.GetString(header)] = Value.ForString(Encoding.UTF8.GetString(value));
        }
        if (answer.TryGet("x-envoy-auth-headers-to-remove"u8, out var list))
            request.AddRange(Encoding.ASCII.GetString(list).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(HeaderChange.Removal));
        return new AuthAnswer(AuthVerdict.Allow) { Request = request, Response = response, Metadata = metadata };
    }

    private AuthAnswer Deny(ClusterReply reply)
    {
        var headers = new List<HeaderChange>();
        for (var place = 0; place < reply.Headers.Places; place++)
            if (reply.Headers.TryAt(place, out var known, out var header, out var value) && header[0] != ':' && !HttpText.IsHop(known) && known is not (KnownHeader.ContentLength or KnownHeader.Date or KnownHeader.Server)
                && (_clientHeaders is not { } allowed || allowed.IsMatch(header) || known == KnownHeader.Location || header.SequenceEqual("www-authenticate"u8)))
                headers.Add(new HeaderChange(HeaderChangeKind.Add, header.ToArray(), value.ToArray()));
        return new AuthAnswer(AuthVerdict.Deny) { Status = reply.Code, Response = headers, Body = reply.Body };
    }
}
