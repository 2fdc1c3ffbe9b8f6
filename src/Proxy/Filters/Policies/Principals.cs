using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Rbac.Principals.MtlsAuthenticated.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Filters.Policies;

/// <summary>Principal → condition: who may do it.</summary>
internal static class Principals
{
    public static PolicyCondition Compile(Principal principal, string path)
    {
        switch (principal.IdentifierCase)
        {
            case Principal.IdentifierOneofCase.Any when principal.Any:
                return PolicyConditions.Always;
            case Principal.IdentifierOneofCase.AndIds:
                return PolicyConditions.All(Set(principal.AndIds, path + ".and_ids"));
            case Principal.IdentifierOneofCase.OrIds:
                return PolicyConditions.Any(Set(principal.OrIds, path + ".or_ids"));
            case Principal.IdentifierOneofCase.NotId:
                return PolicyConditions.Not(Compile(principal.NotId, path + ".not_id"));
            case Principal.IdentifierOneofCase.Authenticated:
                return Authenticated(principal.Authenticated, path + ".authenticated");
            case Principal.IdentifierOneofCase.Custom:
                return Custom(principal.Custom, path + ".custom");
#pragma warning disable CS0612 // The older forms are still sent.
            case Principal.IdentifierOneofCase.SourceIp:
                var source = PolicyConditions.Range(principal.SourceIp, path + ".source_ip");
                return (in PolicySubject subject) => subject.Info.DownstreamDirectRemote.IsIn(source);
            case Principal.IdentifierOneofCase.Metadata:
                return PolicyConditions.Metadata(principal.Metadata, MetadataSource.Dynamic, path + ".metadata");
#pragma warning restore CS0612
            case Principal.IdentifierOneofCase.DirectRemoteIp:
                var direct = PolicyConditions.Range(principal.DirectRemoteIp, path + ".direct_remote_ip");
                return (in PolicySubject subject) => subject.Info.DownstreamDirectRemote.IsIn(direct);
            case Principal.IdentifierOneofCase.RemoteIp:
                var remote = PolicyConditions.Range(principal.RemoteIp, path + ".remote_ip");
                return (in PolicySubject subject) => subject.Info.DownstreamRemote.IsIn(remote);
            case Principal.IdentifierOneofCase.Header:
                return PolicyConditions.Header(principal.Header, path + ".header");
            case Principal.IdentifierOneofCase.UrlPath:
                return PolicyConditions.UrlPath(principal.UrlPath, path + ".url_path");
            case Principal.IdentifierOneofCase.SourcedMetadata:
                return PolicyConditions.Metadata(principal.SourcedMetadata.MetadataMatcher, principal.SourcedMetadata.MetadataSource, path + ".sourced_metadata.metadata_matcher");
            case Principal.IdentifierOneofCase.FilterState:
                return PolicyConditions.State(principal.FilterState, path + ".filter_state");
            default:
                throw new ConfigRefusedException(path, "has no identifier");
        }
    }

    /// <summary>
    /// The name is one of the certificate's URIs or DNS names, or its subject. Envoy takes the certificate as it came through the handshake:
    /// that it was verified is the listener's business.
    /// </summary>
    private static PolicyCondition Authenticated(Principal.Types.Authenticated authenticated, string path)
    {
        if (authenticated.PrincipalName is null) return (in PolicySubject subject) => subject.Info.DownstreamTls is not null;
        var name = StringMatch.From(authenticated.PrincipalName, path + ".principal_name");
        return (in PolicySubject subject) =>
        {
            if (subject.Info.DownstreamTls is not { } tls) return false;
            if (tls.Peer is not { } peer) return name.IsMatch("");
            if (peer.UriNames.Count > 0) return IsAny(peer.UriNames, name);
            return peer.DnsNames.Count > 0 ? IsAny(peer.DnsNames, name) : name.IsMatch(peer.Subject);
        };
    }

    private static PolicyCondition Custom(Envoy.Config.Core.V3.TypedExtensionConfig custom, string path)
    {
        if (custom.TypedConfig?.TryRead<Config>(out var config) != true) throw new ConfigRefusedException(path, $"the principal {custom.Name} ({custom.TypedConfig?.TypeUrl}) is not supported");
        if (config.SanMatcher is null)
            return config.AnyValidatedClientCertificate
                ? (in PolicySubject subject) => subject.Info.DownstreamTls is { IsPeerVerified: true }
                : throw new ConfigRefusedException(path, "neither san_matcher nor any_validated_client_certificate is set");
        var (match, kind) = (StringMatch.From(config.SanMatcher.Matcher, path + ".san_matcher.matcher"), config.SanMatcher.SanType);
        if (kind is not (SubjectAltNameMatcher.Types.SanType.Uri or SubjectAltNameMatcher.Types.SanType.Dns or SubjectAltNameMatcher.Types.SanType.Email or SubjectAltNameMatcher.Types.SanType.IpAddress))
            throw new ConfigRefusedException(path + ".san_matcher.san_type", $"{kind} is not supported");
        return (in PolicySubject subject) => subject.Info.DownstreamTls is { IsPeerVerified: true, Peer: { } peer } && IsAny(NamesOf(peer, kind), match);
    }

    private static IReadOnlyList<string> NamesOf(CertificateFacts peer, SubjectAltNameMatcher.Types.SanType kind) => kind switch
    {
        SubjectAltNameMatcher.Types.SanType.Uri => peer.UriNames,
        SubjectAltNameMatcher.Types.SanType.Dns => peer.DnsNames,
        SubjectAltNameMatcher.Types.SanType.Email => peer.EmailNames,
        _ => peer.AddressNames,
    };

    private static bool IsAny(IReadOnlyList<string> names, StringMatch match)
    {
        for (var i = 0; i < names.Count; i++)
            if (match.IsMatch(names[i]))
                return true;
        return false;
    }

    private static PolicyCondition[] Set(Principal.Types.Set set, string path) =>
        set.Ids.Count == 0 ? throw new ConfigRefusedException(path + ".ids", "is empty") : [.. set.Ids.Select((id, i) => Compile(id, $"{path}.ids[{i}]"))];
}
