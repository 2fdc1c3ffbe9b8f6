using System.Collections;
using System.Collections.Frozen;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Config.Kinds;

namespace Lateen.Config.Validation;

/// <summary>
/// Says by which Istio's rules an object is judged. Kinds of 1.1 alone, and v1alpha3 objects of networking that use nothing
/// newer than 1.1 had, are judged as 1.1 did (weights total 100, a cookie has a lifetime, …); all others as today's Istio
/// does, so that a v1alpha3 object with a newer field is not refused for it.
/// </summary>
internal static class OriginalRules
{
    /// <summary>Fields of networking messages that came after 1.1, and enum values: "Message: field field VALUE".</summary>
    private const string Newer = """
        WorkloadEntry: service_account
        HTTPRoute: delegate direct_response mirror_percent mirror_percentage mirrors name
        HTTPMatchRequest: ignore_uri_case name query_params source_namespace stat_prefix without_headers
        L4MatchAttributes: source_namespace
        TLSMatchAttributes: source_namespace
        HTTPRedirect: derive_port port prefix_rewrite redirect_code scheme
        HTTPRewrite: uri_regex_rewrite
        HTTPRetry: backoff retry_ignore_previous_hosts retry_remote_localities
        CorsPolicy: allow_origins unmatched_preflights
        DestinationRule: workload_selector
        TrafficPolicy: proxy_protocol retry_budget tunnel
        LoadBalancerSettings: locality_lb_setting warmup warmup_duration_secs zone_aware_lb_setting LEAST_REQUEST
        ConsistentHashLB: http_query_parameter_name maglev ring_hash
        HTTPCookie: attributes
        TCPSettings: idle_timeout max_connection_duration
        HTTPSettings: h2_upgrade_policy http2_keep_alive max_concurrent_streams use_client_protocol
        OutlierDetection: consecutive_5xx_errors consecutive_gateway_errors consecutive_local_origin_failures outlier_detection_http_error_codes split_external_local_origin_errors
        ClientTLSSettings: ca_crl credential_name insecure_skip_verify
        Server: name
        Port: target_port
        SidecarPort: target_port
        ServicePort: target_port
        ServerTLSSettings: ca_cert_credential_name ca_crl credential_names insecure_skip_verify tls_certificates verify_certificate_hash verify_certificate_spki ISTIO_MUTUAL OPTIONAL_MUTUAL
        Sidecar: inbound_connection_pool outbound_traffic_policy
        IstioIngressListener: connection_pool tls
        EnvoyFilter: config_patches priority targetRefs workload_selector
        ServiceEntry: workload_selector DNS_ROUND_ROBIN DYNAMIC_DNS
        """;

    private static readonly FrozenDictionary<string, FrozenSet<string>> NewerFields = Newer
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(": "))
        .ToFrozenDictionary(parts => parts[0].Trim(), parts => parts[1].Split(' ').ToFrozenSet(StringComparer.Ordinal), StringComparer.Ordinal);

    public static bool Apply(ConfigObject item)
    {
        if (item.Kind.Ages == KindAges.Original) return true;
        return item.ApiVersion.EndsWith("/v1alpha3", StringComparison.Ordinal) && MayApply(item);
    }

    /// <summary>Whether the object could be one of 1.1, whatever version it is shown in.</summary>
    public static bool MayApply(ConfigObject item) => item.Kind.Ages == KindAges.Both && !UsesNewer(item.Spec);

    private static bool UsesNewer(IMessage message)
    {
        var newer = NewerFields.GetValueOrDefault(message.Descriptor.Name);
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (!IsSet(message, field, out var value)) continue;
            if (newer is not null && (newer.Contains(field.Name) || (field.FieldType == FieldType.Enum && newer.Contains(EnumName(field, value))))) return true;
            switch (value)
            {
                case IMessage inner when UsesNewer(inner):
                case IDictionary entries when entries.Values.OfType<IMessage>().Any(UsesNewer):
                case IList items when items.OfType<IMessage>().Any(UsesNewer):
                    return true;
            }
        }
        return false;
    }

    private static bool IsSet(IMessage message, FieldDescriptor field, out object? value)
    {
        value = field.Accessor.GetValue(message);
        return value switch
        {
            null => false,
            ICollection items => items.Count > 0,
            string text => text.Length > 0,
            ByteString bytes => bytes.Length > 0,
            IMessage => true,
            _ when field.ContainingOneof is { } oneof => oneof.Accessor.GetCaseFieldDescriptor(message) == field,
            bool flag => flag,
            _ => Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture) != 0,
        };
    }

    private static string EnumName(FieldDescriptor field, object? value) =>
        field.EnumType.FindValueByNumber(Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture))?.Name ?? "";
}
