namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>
/// Configurations that one proxy takes and the other refuses, each with the reason: what a configuration contains, and why. That ours
/// refuses by name what it has not ("is not supported") is no difference to explain.
/// </summary>
internal static class KnownVerdicts
{
    private static readonly (string Part, string Reason)[] Rows =
    [
        ("cds_config: {path_config_source: {path: /nonexistent}", "A file may be written after the start: it is watched for."),
        ("sds_config: {path_config_source: {path: /nonexistent}", "A file may be written after the start: it is watched for."),
        ("prefix_len: 33", "An address has no more bits than it has; Envoy takes the most for more."),
        ("prefix_len: 40", "An address has no more bits than it has; Envoy takes the most for more."),
        ("tls_certificates: [{}]", "A certificate without a chain serves nobody; Envoy finds out when it connects."),
        ("tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_2", "No connection could be made; Envoy finds out when it connects."),
        ("requires: {} }]", "A rule that requires nothing is a slip: no rule says the same."),
        ("max_tokens: 0, fill_interval", "A bucket that never holds a token is a slip: a direct response says the same."),
        ("UPSTREAM_METADATA(a)", "Metadata of hosts are not kept for logs; what is written in its place would be a guess."),
        ("http.cors.v3.CorsPolicy} }", "It is what a route says to the filter, not the filter; Envoy takes either message for either."),
    ];

    /// <summary>Why the verdicts on a configuration may differ; null for no reason.</summary>
    public static string? ReasonOf(string configuration, string? ours) =>
        Rows.FirstOrDefault(row => configuration.Contains(row.Part, StringComparison.Ordinal)).Reason
        ?? (ours?.EndsWith("supported", StringComparison.Ordinal) == true || ours?.Contains("not supported", StringComparison.Ordinal) == true ? "refused by name" : null);

    /// <summary>Rows that explain nothing that differs.</summary>
    public static IEnumerable<string> Idle(IReadOnlyCollection<string> different) => Rows.Where(row => !different.Any(configuration => configuration.Contains(row.Part, StringComparison.Ordinal))).Select(row => row.Part);
}
