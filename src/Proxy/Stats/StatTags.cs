using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Envoy.Config.Metrics.V3;
using Lateen.Proxy.Compile;

namespace Lateen.Proxy.Stats;

/// <summary>
/// Takes the parts that vary out of a statistic's name and makes labels of them: stats_config.stats_tags, and Envoy's own tags
/// unless the configuration turns them off. Any thread. Source: Envoy's "Statistics configuration" and well_known_names.cc.
/// </summary>
internal sealed class StatTags
{
    private static readonly TimeSpan LongestMatch = TimeSpan.FromMilliseconds(50);

    /// <summary>Envoy's tags for what this proxy counts: name, text that a name must have for it, pattern.</summary>
    private static readonly (string Tag, string Substring, string Pattern)[] Defaults =
    [
        ("envoy.response_code", "_rq_", @"_rq(_(\d{3}))$"),
        ("envoy.response_code_class", "_rq_", @"_rq_((\d))xx$"),
        ("envoy.cluster_name", "cluster.", @"^cluster\.((.+?)\.)(?:[^.]+|external\.[^.]+|internal\.[^.]+|outlier_detection\.[^.]+|circuit_breakers\..+|lb_subsets.*|ssl\..+|tls\..+|grpc\..+|health_check\.[^.]+|http1\..+|http2\..+|rbac\..+|ext_authz\..+|ratelimit\..+)$"),
        ("envoy.listener_address", "listener.", @"^listener\.(((?:[_.\d]*|[_\[\]aAbBcCdDeEfF\d]*))\.)"),
        ("envoy.http_conn_manager_listener_prefix", "listener.", @"^listener\..*?\.http\.((.*?)\.)"),
        ("envoy.http_conn_manager_prefix", "http.", @"^http\.((.*?)\.)"),
        ("envoy.tcp_prefix", "tcp.", @"^tcp\.((.*?)\.)\w+$"),
        ("envoy.rds_route_config", ".rds.", @"^http\..*?\.rds\.((.*?)\.)\w+$"),
        ("envoy.ratelimit_prefix", "ratelimit.", @"^ratelimit\.((.*?)\.)\w+$"),
        ("envoy.local_http_ratelimit_prefix", ".http_local_rate_limit.", @"^((.*?)\.)http_local_rate_limit\."),
        ("envoy.rbac_prefix", ".rbac.", @"^.*?\.rbac\.((.*?)\.)\w+$"),
        ("envoy.ext_authz_prefix", ".ext_authz.", @"^.*?\.ext_authz\.((.*?)\.)\w+$"),
        ("envoy.grpc_bridge_service", ".grpc.", @"^cluster\..*?\.grpc\.((.*?)\.)(?:\w+\.)?\w+$"),
        ("envoy.ssl_cipher", "cipher", @"\.ciphers(\.(.*?))$"),
        ("envoy.worker_id", "worker_", @"worker_((\d+)\.)"),
    ];

    private readonly (string Label, string Substring, Regex Pattern)[] _patterns;
    private readonly (string Label, string Value)[] _fixed;
    private readonly ConcurrentDictionary<string, (string Name, string Labels)> _known = new(StringComparer.Ordinal);

    /// <exception cref="ConfigRefusedException">A pattern is none, or a tag has no value and is none of Envoy's.</exception>
    public StatTags(StatsConfig? config)
    {
        var patterns = new List<(string, string, Regex)>();
        var constants = new List<(string, string)>();
        var given = config?.StatsTags ?? [];
        for (var i = 0; i < given.Count; i++)
        {
            var (tag, path) = (given[i], $"stats_config.stats_tags[{i}]");
            switch (tag.TagValueCase)
            {
                case TagSpecifier.TagValueOneofCase.FixedValue:
                    constants.Add((PrometheusText.Sanitize(tag.TagName), tag.FixedValue));
                    break;
                case TagSpecifier.TagValueOneofCase.Regex when tag.Regex.Length > 0:
                    patterns.Add((PrometheusText.Sanitize(tag.TagName), "", Compile(tag.Regex, path + ".regex")));
                    break;
                default:
                    var known = Defaults.FirstOrDefault(candidate => candidate.Tag == tag.TagName);
                    if (known.Tag is null) throw new ConfigRefusedException(path, $"the tag {tag.TagName} has no value and is not known");
                    patterns.Add((PrometheusText.Sanitize(known.Tag), known.Substring, Compile(known.Pattern, path)));
                    break;
            }
        }
        if (config?.UseAllDefaultTags is not false)
            foreach (var (tag, substring, pattern) in Defaults)
                if (!given.Any(own => own.TagName == tag))
                    patterns.Add((PrometheusText.Sanitize(tag), substring, Compile(pattern, tag)));
        (_patterns, _fixed) = ([.. patterns], [.. constants]);
    }

    /// <summary>The name without what varies, and the labels in Prometheus' form.</summary>
    public (string Name, string Labels) Of(string name) => _known.GetOrAdd(name, Extract);

    private (string, string) Extract(string name)
    {
        var labels = new StringBuilder();
        var removed = new bool[name.Length];
        foreach (var (label, value) in _fixed) PrometheusText.AppendLabel(labels, label, value);
        foreach (var (label, substring, pattern) in _patterns)
        {
            if (!name.Contains(substring, StringComparison.Ordinal)) continue;
            try
            {
                var match = pattern.Match(name);
                if (!match.Success || match.Groups.Count < 2) continue;
                var value = match.Groups.Count > 2 && match.Groups[2].Success ? match.Groups[2].Value : match.Groups[1].Value;
                PrometheusText.AppendLabel(labels, label, value);
                Array.Fill(removed, true, match.Groups[1].Index, match.Groups[1].Length);
            }
            catch (RegexMatchTimeoutException)
            {
                // A pattern of the configuration that takes too long finds nothing.
            }
        }
        return (string.Concat(name.Where((_, i) => !removed[i])), labels.ToString());
    }

    private static Regex Compile(string pattern, string path)
    {
        try
        {
            // Envoy's patterns have POSIX classes, which .NET writes otherwise.
            return new Regex(pattern.Replace("[:digit:]", "\\d", StringComparison.Ordinal), RegexOptions.CultureInvariant, LongestMatch);
        }
        catch (ArgumentException e)
        {
            throw new ConfigRefusedException(path, e.Message);
        }
    }
}
