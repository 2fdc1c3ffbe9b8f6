using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Google.Protobuf.WellKnownTypes;
using Istio.Mesh.V1Alpha1;
using Lateen.Pilot.Model;
using Lateen.Pilot.Push;
using HttpService = Envoy.Extensions.Filters.Http.ExtAuthz.V3.HttpService;
using Body = Istio.Mesh.V1Alpha1.MeshConfig.Types.ExtensionProvider.Types.EnvoyExternalAuthorizationRequestBody;
using NetworkExtAuthz = Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz;
using Provider = Istio.Mesh.V1Alpha1.MeshConfig.Types.ExtensionProvider;

namespace Lateen.Pilot.Networking.Security;

/// <summary>
/// The filters that ask a server of the operator's, an extension provider of the mesh, whether what the rules of CUSTOM policies describe is
/// allowed (pilot/pkg/security/authz/builder/extauthz.go).
/// </summary>
internal static class ExternalAuthorization
{
    /// <summary>Stands before the names of rules by which the filter knows that it is to ask.</summary>
    public const string RulePrefix = "istio-ext-authz-";

    public const string StatPrefix = "istio_ext_authz_";

    private const string EffectivePolicy = StatPrefix + "shadow_effective_policy_id";
    private const string HttpName = "envoy.filters.http.ext_authz";
    private const string NetworkName = "envoy.filters.network.ext_authz";

    private static readonly Duration DefaultTimeout = Durations.Seconds(600);

    /// <summary>The provider of a name, if it answers such questions.</summary>
    public static Provider? Find(MeshSettings mesh, string name) => mesh.Config.ExtensionProviders.FirstOrDefault(
        p => p.Name == name && p.ProviderCase is Provider.ProviderOneofCase.EnvoyExtAuthzHttp or Provider.ProviderOneofCase.EnvoyExtAuthzGrpc);

    /// <summary>Asks about requests.</summary>
    public static HttpFilter Http(Provider provider)
    {
        var filter = new ExtAuthz { TransportApiVersion = ApiVersion.V3, FilterEnabledMetadata = Enabled(provider, "envoy.filters.http.rbac") };
        if (provider.EnvoyExtAuthzGrpc is { } grpc)
        {
            filter.GrpcService = Service(grpc);
            (filter.FailureModeAllow, filter.ClearRouteCache, filter.StatusOnError, filter.WithRequestBody) = (grpc.FailOpen, grpc.ClearRouteCache, Status(grpc.StatusOnError), Convert(grpc.IncludeRequestBodyInCheck));
        }
        else Apply(filter, provider.EnvoyExtAuthzHttp);
        return new() { Name = HttpName, TypedConfig = Any.Pack(filter) };
    }

    /// <summary>Asks about connections; null where the server understands requests only.</summary>
    public static Filter? Network(Provider provider)
    {
        if (provider.EnvoyExtAuthzGrpc is not { } grpc) return null;
        var filter = new NetworkExtAuthz
        {
            StatPrefix = "tcp.", TransportApiVersion = ApiVersion.V3, FilterEnabledMetadata = Enabled(provider, "envoy.filters.network.rbac"), GrpcService = Service(grpc), FailureModeAllow = grpc.FailOpen,
        };
        return new() { Name = NetworkName, TypedConfig = Any.Pack(filter) };
    }

    private static void Apply(ExtAuthz filter, Provider.Types.EnvoyExternalAuthorizationHttpProvider http)
    {
        var (host, cluster) = Destination(http.Service, http.Port);
        var service = new HttpService
        {
            ServerUri = new() { Uri = "http://" + host, Cluster = cluster, Timeout = http.Timeout ?? DefaultTimeout },
            PathPrefix = http.PathPrefix,
        };
        if (http.IncludeAdditionalHeadersInCheck.Count > 0)
        {
            service.AuthorizationRequest = new();
            foreach (var (name, value) in http.IncludeAdditionalHeadersInCheck.OrderBy(h => h.Key, StringComparer.Ordinal)) service.AuthorizationRequest.HeadersToAdd.Add(new HeaderValue { Key = name, Value = value });
        }
        var response = new AuthorizationResponse
        {
            AllowedUpstreamHeaders = Headers(http.HeadersToUpstreamOnAllow), AllowedClientHeaders = Headers(http.HeadersToDownstreamOnDeny), AllowedClientHeadersOnSuccess = Headers(http.HeadersToDownstreamOnAllow),
        };
        if (response.CalculateSize() > 0) service.AuthorizationResponse = response;
        filter.HttpService = service;
#pragma warning disable CS0612 // the name that this field had before is still read, as istiod reads it
        filter.AllowedHeaders = Headers([.. http.IncludeRequestHeadersInCheck, .. http.IncludeHeadersInCheck]);
#pragma warning restore CS0612
        (filter.FailureModeAllow, filter.ClearRouteCache, filter.StatusOnError, filter.WithRequestBody) = (http.FailOpen, http.ClearRouteCache, Status(http.StatusOnError), Convert(http.IncludeRequestBodyInCheck));
    }

    private static MetadataMatcher Enabled(Provider provider, string filter) =>
        ValueMatchers.Metadata(filter, [EffectivePolicy], ValueMatchers.Is(new StringMatcher { Prefix = RulePrefix + provider.Name }));

    private static Envoy.Config.Core.V3.GrpcService Service(Provider.Types.EnvoyExternalAuthorizationGrpcProvider grpc)
    {
        var (host, cluster) = Destination(grpc.Service, grpc.Port);
        return new() { EnvoyGrpc = new() { ClusterName = cluster, Authority = host }, Timeout = grpc.Timeout ?? DefaultTimeout };
    }

    /// <summary>A provider is named by host, or as namespace/host.</summary>
    private static (string Host, string Cluster) Destination(string service, uint port)
    {
        var host = service[(service.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return (host, ClusterName.Outbound((int)port, "", host));
    }

    private static ListStringMatcher? Headers(IReadOnlyCollection<string> names) =>
        names.Count == 0 ? null : new() { Patterns = { names.Select(n => ValueMatchers.Text(n, ignoreCase: true)) } };

    private static HttpStatus? Status(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? new() { Code = (StatusCode)code } : null;

    private static BufferSettings? Convert(Body? body) =>
        body == null ? null : new() { MaxRequestBytes = body.MaxRequestBytes, AllowPartialMessage = body.AllowPartialMessage, PackAsBytes = body.PackAsBytes };
}
