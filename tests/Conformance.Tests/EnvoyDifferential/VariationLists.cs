namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>The variations that both proxies are asked about, by where they stand.</summary>
internal static class VariationLists
{
    private const string Filters = "\"@type\": type.googleapis.com/envoy.extensions.filters.http.";
    private const string Router = "{name: r, typed_config: {" + Filters + "router.v3.Router} }";
    private const string Network = "\"@type\": type.googleapis.com/envoy.extensions.filters.network.";
    private const string Tls = "\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.";
    private const string Endpoint = "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9} } } }";
    private const string Assigned = "load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [" + Endpoint + "]}]}";

    public static IEnumerable<ConfigVariation> All() =>
    [
        .. Of(Slot.Route, Matches.Select(match => "{match: {" + match + "}, route: {cluster: a} }")),
        .. Of(Slot.Route, Actions.Select(action => "{match: {prefix: /x}, route: {" + action + "} }")),
        .. Of(Slot.Route, Routes),
        .. Of(Slot.Table, Headers.Select(header => "request_headers_to_add: [" + header + "]")),
        .. Of(Slot.Table, Tables),
        .. Of(Slot.Host, Hosts),
        .. Of(Slot.Http, Https),
        .. Of(Slot.Http, Logs.Select(log => "access_log: [" + log + "]")),
        .. Of(Slot.Filter, HttpFilters),
        .. Of(Slot.Cluster, Clusters),
        .. Of(Slot.Chain, Chains),
        .. Of(Slot.ListenerField, ListenerFields),
        .. Of(Slot.Listener, Listeners),
        .. Of(Slot.Bootstrap, Bootstraps),
    ];

    private static IEnumerable<ConfigVariation> Of(Slot slot, IEnumerable<string> texts) => texts.Select(text => new ConfigVariation(slot, text));

    private static readonly string[] Matches =
    [
        "prefix: /x", "", "path: /x", "path: \"\"", "prefix: \"\"", "prefix: x", "path_separated_prefix: /x", "path_separated_prefix: /x/", "path_separated_prefix: x", "path_separated_prefix: \"/x?y\"",
        "safe_regex: {regex: \"/x+\"}", "safe_regex: {regex: \"\"}", "safe_regex: {regex: \"(\"}", "safe_regex: {regex: \"(?=x)\"}", "safe_regex: {regex: \"(a)\\\\1\"}", "safe_regex: {regex: \"a{1,2000}\"}", "safe_regex: {regex: \"a**\"}",
        "connect_matcher: {}", "prefix: /x, case_sensitive: false", "prefix: /x, grpc: {}",
        "prefix: /x, headers: [{name: \"\"}]", "prefix: /x, headers: [{name: x}]", "prefix: /x, headers: [{name: \"x y\"}]", "prefix: /x, headers: [{name: x, string_match: {prefix: \"\"}}]",
        "prefix: /x, headers: [{name: x, string_match: {suffix: \"\"}}]", "prefix: /x, headers: [{name: x, string_match: {contains: \"\"}}]", "prefix: /x, headers: [{name: x, string_match: {exact: \"\"}}]", "prefix: /x, headers: [{name: x, string_match: {}}]",
        "prefix: /x, headers: [{name: x, string_match: {safe_regex: {regex: \"[\"}}}]", "prefix: /x, headers: [{name: x, range_match: {start: 5, end: 1}}]", "prefix: /x, headers: [{name: x, present_match: true}]",
        "prefix: /x, headers: [{name: x, exact_match: a}]", "prefix: /x, headers: [{name: x, prefix_match: \"\"}]",
        "prefix: /x, query_parameters: [{name: \"\"}]", "prefix: /x, query_parameters: [{name: v, string_match: {exact: a}}]", "prefix: /x, query_parameters: [{name: v, string_match: {prefix: \"\"}}]",
        "prefix: /x, runtime_fraction: {default_value: {numerator: 5}}", "prefix: /x, runtime_fraction: {}", "prefix: /x, runtime_fraction: {default_value: {numerator: 5, denominator: NONE}}", "prefix: /x, nothing: 1",
    ];

    private static readonly string[] Actions =
    [
        "cluster: a", "", "cluster: \"\"", "cluster: unknown", "cluster_header: x-c", "cluster_header: \"\"", "cluster_header: \"a b\"", "cluster: a, cluster_not_found_response_code: NOT_FOUND",
        "weighted_clusters: {clusters: []}", "weighted_clusters: {clusters: [{name: a, weight: 0}]}", "weighted_clusters: {clusters: [{name: a, weight: 1}, {name: a, weight: 99}]}", "weighted_clusters: {clusters: [{name: unknown, weight: 1}]}",
        "weighted_clusters: {clusters: [{name: a}]}", "weighted_clusters: {clusters: [{weight: 5}]}", "weighted_clusters: {clusters: [{name: a, weight: 4294967295}, {name: a, weight: 5}]}",
        "cluster: a, timeout: -1s", "cluster: a, timeout: 0s", "cluster: a, timeout: 1", "cluster: a, timeout: x", "cluster: a, idle_timeout: -1s", "cluster: a, max_stream_duration: {max_stream_duration: 5s}",
        "cluster: a, prefix_rewrite: /y", "cluster: a, prefix_rewrite: \"/\\r\\ny\"", "cluster: a, prefix_rewrite: /y, regex_rewrite: {pattern: {regex: a}, substitution: b}", "cluster: a, regex_rewrite: {pattern: {regex: \"(\"}, substitution: b}",
        "cluster: a, regex_rewrite: {pattern: {regex: \"(a)\"}, substitution: \"\\\\2\"}", "cluster: a, regex_rewrite: {substitution: b}", "cluster: a, regex_rewrite: {pattern: {regex: a}, substitution: \"a\\nb\"}",
        "cluster: a, host_rewrite_literal: h", "cluster: a, host_rewrite_literal: \"h\\r\\n\"", "cluster: a, host_rewrite_header: x", "cluster: a, host_rewrite_header: \"x\\n\"", "cluster: a, auto_host_rewrite: true", "cluster: a, host_rewrite_literal: h, auto_host_rewrite: true",
        "cluster: a, hash_policy: [{}]", "cluster: a, hash_policy: [{header: {header_name: x}}]", "cluster: a, hash_policy: [{header: {}}]", "cluster: a, hash_policy: [{cookie: {name: \"\"}}]", "cluster: a, hash_policy: [{cookie: {name: c, ttl: 1s}}]",
        "cluster: a, hash_policy: [{connection_properties: {source_ip: true}}]", "cluster: a, hash_policy: [{query_parameter: {}}]",
        "cluster: a, retry_policy: {retry_on: 5xx}", "cluster: a, retry_policy: {retry_on: nonsense}", "cluster: a, retry_policy: {retry_on: 5xx, num_retries: -1}", "cluster: a, retry_policy: {retry_on: 5xx, retry_back_off: {}}",
        "cluster: a, retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 0s}}", "cluster: a, retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 1s, max_interval: 0.5s}}", "cluster: a, retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 1s, max_interval: 1s}}",
        "cluster: a, retry_policy: {retry_on: 5xx, per_try_timeout: -1s}", "cluster: a, retry_policy: {retry_on: 5xx, host_selection_retry_max_attempts: 3}", "cluster: a, retry_policy: {retry_on: 5xx, retry_host_predicate: [{name: nonsense}]}",
        "cluster: a, retry_policy: {retry_on: 5xx, rate_limited_retry_back_off: {}}", "cluster: a, retry_policy: {retry_on: 5xx, rate_limited_retry_back_off: {reset_headers: [{name: x}]}}", "cluster: a, retry_policy: {retry_on: 5xx, rate_limited_retry_back_off: {reset_headers: [{name: \"\"}]}}",
        "cluster: a, request_mirror_policies: [{cluster: a}]", "cluster: a, request_mirror_policies: [{cluster: unknown}]", "cluster: a, request_mirror_policies: [{}]",
        "cluster: a, upgrade_configs: [{upgrade_type: websocket}]", "cluster: a, upgrade_configs: [{upgrade_type: \"\"}]", "cluster: a, upgrade_configs: [{upgrade_type: a, connect_config: {}}]", "cluster: a, upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: WebSocket}]",
        "cluster: a, hedge_policy: {initial_requests: 0}", "cluster: a, priority: HIGH", "cluster: a, priority: NONSENSE", "cluster: a, metadata_match: {filter_metadata: {envoy.lb: {v: 1}}}",
    ];

    private static readonly string[] Routes =
    [
        "{route: {cluster: a} }", "{match: {prefix: /x} }", "{match: {prefix: /x}, direct_response: {status: 200} }", "{match: {prefix: /x}, direct_response: {status: 99} }", "{match: {prefix: /x}, direct_response: {status: 600} }",
        "{match: {prefix: /x}, direct_response: {status: 200, body: {} } }", "{match: {prefix: /x}, direct_response: {status: 200, body: {filename: /nonexistent} } }", "{match: {prefix: /x}, direct_response: {status: 200, body: {inline_string: \"" + new string('x', 4097) + "\"} } }",
        "{match: {prefix: /x}, direct_response: {status: 200, body: {environment_variable: LATEEN_NOT_SET} } }",
        "{match: {prefix: /x}, redirect: {} }", "{match: {prefix: /x}, redirect: {host_redirect: \"a\\r\\nb\"} }", "{match: {prefix: /x}, redirect: {path_redirect: \"/a\\nb\"} }", "{match: {prefix: /x}, redirect: {path_redirect: /a, prefix_rewrite: /b} }",
        "{match: {prefix: /x}, redirect: {https_redirect: true, scheme_redirect: https} }", "{match: {prefix: /x}, redirect: {response_code: NONSENSE} }", "{match: {prefix: /x}, redirect: {response_code: 302} }", "{match: {prefix: /x}, redirect: {regex_rewrite: {pattern: {regex: \"(\"}, substitution: x} } }",
        "{match: {prefix: /x}, redirect: {scheme_redirect: \"a b\"} }", "{match: {prefix: /x}, redirect: {port_redirect: 70000} }",
        "{match: {prefix: /x}, route: {cluster: a}, redirect: {} }", "{match: {prefix: /x}, route: {cluster: a}, name: same}", "{match: {prefix: /x}, route: {cluster: a}, decorator: {} }", "{match: {prefix: /x}, route: {cluster: a}, decorator: {operation: o} }",
        "{match: {prefix: /x}, route: {cluster: a}, typed_per_filter_config: {router: {\"@type\": type.googleapis.com/nonsense} } }",
        "{match: {prefix: /x}, route: {cluster: a}, typed_per_filter_config: {absent: {" + Filters + "cors.v3.CorsPolicy} } }",
        "{match: {prefix: /x}, route: {cluster: a}, typed_per_filter_config: {absent: {" + Filters + "fault.v3.HTTPFault, abort: {http_status: 5, percentage: {numerator: 1} } } } }",
        "{match: {prefix: /x}, route: {cluster: a}, tracing: {random_sampling: {numerator: 5} } }", "{match: {prefix: /x}, non_forwarding_action: {} }", "{}",
    ];

    private static readonly string[] Headers =
    [
        "{header: {key: x, value: v} }", "{header: {key: \"\", value: v} }", "{}", "{header: {key: \"a b\", value: v} }", "{header: {key: x, value: \"a\\nb\"} }", "{header: {key: \":path\", value: v} }", "{header: {key: \":authority\", value: v} }", "{header: {key: host, value: v} }",
        "{header: {key: X-Upper, value: v} }", "{header: {key: x, value: \"%PROTOCOL%\"} }", "{header: {key: x, value: \"%NONSENSE%\"} }", "{header: {key: x, value: \"%REQ(a\"} }", "{header: {key: x, value: \"%REQ%\"} }", "{header: {key: x, value: \"%REQ()%\"} }", "{header: {key: x, value: \"100%\"} }", "{header: {key: x, value: \"100%%\"} }",
        "{header: {key: x, value: \"%REQ(a?b):3%\"} }", "{header: {key: x, value: \"%REQ(a?b?c)%\"} }", "{header: {key: x, value: \"%START_TIME(%s)%\"} }", "{header: {key: x, value: \"%DYNAMIC_METADATA(a:b)%\"} }", "{header: {key: x, value: \"%HOSTNAME%\"} }", "{header: {key: x, value: \"%PROTOCOL(x)%\"} }",
        "{header: {key: x, value: v}, append_action: NONSENSE}", "{header: {key: x, value: v}, append_action: 9}", "{header: {key: x, value: v}, append: true}", "{header: {key: x, value: v}, append: true, append_action: OVERWRITE_IF_EXISTS_OR_ADD}", "{header: {key: x, value: \"\"} }", "{header: {key: x, value: \"\"}, keep_empty_value: true}",
        "{header: {key: x, value: v, raw_value: dg==} }", "{header: {key: x, raw_value: \"*\"} }",
    ];

    private static readonly string[] Tables =
    [
        "request_headers_to_remove: [x]", "request_headers_to_remove: [\"\"]", "request_headers_to_remove: [host]", "request_headers_to_remove: [\":path\"]", "request_headers_to_remove: [\"a b\"]", "response_headers_to_remove: [\":status\"]", "response_headers_to_remove: [x]",
        "internal_only_headers: [\"a b\"]", "validate_clusters: false", "most_specific_header_mutations_wins: true", "ignore_port_in_host_matching: true", "typed_per_filter_config: {absent: {\"@type\": type.googleapis.com/nonsense} }",
    ];

    private static readonly string[] Hosts =
    [
        "{name: h, domains: [h]}", "{name: h, domains: []}", "{name: h}", "{name: \"\", domains: [h]}", "{name: h, domains: [\"*\"]}", "{name: h, domains: [h, h]}", "{name: h, domains: [h, H]}", "{name: h, domains: [\"a*b\"]}", "{name: h, domains: [\"*.a\", \"*.a\"]}", "{name: h, domains: [\"**\"]}", "{name: h, domains: [\"\"]}",
        "{name: h, domains: [\"a\\nb\"]}", "{name: all, domains: [h]}", "{name: h, domains: [h], require_tls: ALL}", "{name: h, domains: [h], require_tls: NONSENSE}", "{name: h, domains: [h], retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 0s} } }", "{name: h, domains: [h], include_request_attempt_count: true}",
    ];

    private static readonly string[] Https =
    [
        "normalize_path: true", "codec_type: HTTP2", "codec_type: NONSENSE", "server_name: \"a\\nb\"", "via: \"a\\nb\"", "via: x", "max_request_headers_kb: 0", "max_request_headers_kb: 96", "max_request_headers_kb: 8193", "xff_num_trusted_hops: 1", "use_remote_address: true",
        "stream_idle_timeout: -1s", "request_timeout: -1s", "drain_timeout: 5s", "delayed_close_timeout: 0s", "common_http_protocol_options: {idle_timeout: -1s}", "common_http_protocol_options: {idle_timeout: 5s, max_headers_count: 0}", "common_http_protocol_options: {max_headers_count: 50}",
        "common_http_protocol_options: {max_requests_per_connection: 0}", "common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}", "forward_client_cert_details: SANITIZE_SET", "set_current_client_cert_details: {subject: true}",
        "forward_client_cert_details: NONSENSE", "http2_protocol_options: {max_concurrent_streams: 0}", "http2_protocol_options: {max_concurrent_streams: 100}", "http2_protocol_options: {initial_stream_window_size: 1}", "http2_protocol_options: {initial_stream_window_size: 65536}",
        "http2_protocol_options: {initial_connection_window_size: 1}", "http2_protocol_options: {hpack_table_size: 0}", "http2_protocol_options: {max_outbound_frames: 0}", "http2_protocol_options: {connection_keepalive: {interval: 0s, timeout: 0s}}", "http2_protocol_options: {connection_keepalive: {interval: 1s}}",
        "upgrade_configs: [{upgrade_type: websocket}]", "upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: websocket}]", "upgrade_configs: [{upgrade_type: \"\"}]", "path_with_escaped_slashes_action: REJECT_REQUEST", "path_with_escaped_slashes_action: NONSENSE",
        "strip_matching_host_port: true", "strip_any_host_port: true", "server_header_transformation: PASS_THROUGH", "scheme_header_transformation: {scheme_to_overwrite: https}", "scheme_header_transformation: {scheme_to_overwrite: ftp}",
        "rds: {}", "internal_address_config: {unix_sockets: true}", "internal_address_config: {cidr_ranges: [{address_prefix: nonsense, prefix_len: 8}]}", "tracing: {}", "tracing: {provider: {name: nonsense}}", "tracing: {random_sampling: {value: 101}}", "nothing: 1",
        "local_reply_config: {mappers: [{filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 404, runtime_key: k}}}}, status_code: 410}]}", "local_reply_config: {mappers: [{status_code: 410}]}",
        "original_ip_detection_extensions: [{name: x, typed_config: {\"@type\": type.googleapis.com/nonsense}}]", "request_id_extension: {typed_config: {\"@type\": type.googleapis.com/nonsense}}", "http_protocol_options: {accept_http_10: true}", "http_protocol_options: {header_key_format: {}}", "early_header_mutation_extensions: [{name: x}]",
    ];

    private const string LogType = "\"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

    private static string Log(string more) => "{name: l, typed_config: {" + LogType + ", path: /dev/null" + more + "} }";

    private static string Filtered(string filter) => "{name: l, typed_config: {" + LogType + ", path: /dev/null}, filter: {" + filter + "} }";

    private static readonly string[] Logs =
    [
        Log(""), "{name: l, typed_config: {" + LogType + ", path: \"\"} }", "{name: l, typed_config: {" + LogType + "} }", "{name: l}", "{name: nonsense, typed_config: {\"@type\": type.googleapis.com/nonsense} }",
        Log(", log_format: {text_format_source: {inline_string: \"%PROTOCOL%\"} }"), Log(", log_format: {text_format_source: {inline_string: \"%NONSENSE%\"} }"), Log(", log_format: {text_format_source: {inline_string: \"%PROTOCOL\"} }"), Log(", log_format: {text_format_source: {inline_string: \"\"} }"),
        Log(", log_format: {text_format_source: {} }"), Log(", log_format: {}"), Log(", log_format: {json_format: {a: \"%PROTOCOL%\", b: {c: \"%DURATION%\"} } }"), Log(", log_format: {json_format: {a: \"%NONSENSE%\"} }"), Log(", log_format: {json_format: {a: 1} }"), Log(", format: \"%PROTOCOL%\""), Log(", json_format: {a: b}"),
        Log(", log_format: {text_format_source: {inline_string: \"%START_TIME(%Y)% %RESPONSE_CODE% %REQ(:METHOD)% %RESP(x)% %TRAILER(x)%\"} }"), Log(", log_format: {text_format_source: {inline_string: \"%UPSTREAM_METADATA(a)% %FILTER_STATE(x)% %DOWNSTREAM_PEER_CERT_V_START%\"} }"), Log(", log_format: {text_format_source: {inline_string: \"%RESPONSE_CODE(x)%\"} }"),
        Filtered(""), Filtered("status_code_filter: {}"), Filtered("status_code_filter: {comparison: {op: GE, value: {default_value: 400, runtime_key: k} } }"), Filtered("status_code_filter: {comparison: {op: GE, value: {default_value: 400} } }"), Filtered("status_code_filter: {comparison: {op: GE} }"),
        Filtered("status_code_filter: {comparison: {op: NONSENSE, value: {default_value: 400, runtime_key: k} } }"), Filtered("response_flag_filter: {flags: [UF]}"), Filtered("response_flag_filter: {flags: [XX]}"), Filtered("response_flag_filter: {}"), Filtered("header_filter: {}"), Filtered("header_filter: {header: {name: x} }"),
        Filtered("and_filter: {filters: [{not_health_check_filter: {} }]}"), Filtered("and_filter: {filters: [{not_health_check_filter: {} }, {traceable_filter: {} }]}"), Filtered("or_filter: {}"), Filtered("grpc_status_filter: {statuses: [NONSENSE]}"), Filtered("grpc_status_filter: {statuses: [UNAVAILABLE]}"),
        Filtered("runtime_filter: {runtime_key: \"\"}"), Filtered("runtime_filter: {runtime_key: k, percent_sampled: {numerator: 5} }"), Filtered("duration_filter: {}"), Filtered("duration_filter: {comparison: {op: GE, value: {default_value: 1, runtime_key: k} } }"),
    ];

    private static string Jwt(string provider, string more = "") => "{name: f, typed_config: {" + Filters + "jwt_authn.v3.JwtAuthentication, providers: {p: {" + provider + "} }" + (more.Length > 0 ? ", " + more : "") + "} }";

    private const string Keys = "issuer: i, local_jwks: {inline_string: '{\"keys\": []}'}";
    private const string Key = "issuer: i, local_jwks: {inline_string: '{\"keys\": [{\"kty\": \"oct\", \"alg\": \"HS256\", \"k\": \"c2VjcmV0\"}]}'}";

    private static string Rbac(string policy, string action = "ALLOW") => "{name: f, typed_config: {" + Filters + "rbac.v3.RBAC, rules: {action: " + action + ", policies: {p: {" + policy + "} } } } }";

    private static string Fault(string text) => "{name: f, typed_config: {" + Filters + "fault.v3.HTTPFault, " + text + "} }";

    private static readonly string[] HttpFilters =
    [
        Router, "{name: f}", "{name: \"\", typed_config: {" + Filters + "cors.v3.Cors} }", "{name: f, typed_config: {\"@type\": type.googleapis.com/nonsense} }", "{name: f, typed_config: {" + Filters + "cors.v3.CorsPolicy} }", "{name: f, typed_config: {" + Filters + "cors.v3.Cors, nothing: 1} }", "{name: f, disabled: true, typed_config: {" + Filters + "cors.v3.Cors} }",
        "{name: f, is_optional: true, typed_config: {\"@type\": type.googleapis.com/nonsense} }", "{name: f, config_discovery: {} }",
        Jwt(Key), Jwt(Keys), Jwt("issuer: i"), Jwt("issuer: i, local_jwks: {inline_string: nonsense}"), Jwt("issuer: i, local_jwks: {}"), Jwt("issuer: i, local_jwks: {filename: /nonexistent}"), Jwt("issuer: i, remote_jwks: {http_uri: {uri: \"http://a/\", cluster: a, timeout: 1s} }"), Jwt("issuer: i, remote_jwks: {http_uri: {uri: \"http://a/\", timeout: 1s} }"), Jwt("issuer: i, remote_jwks: {http_uri: {cluster: a, timeout: 1s} }"),
        Jwt("issuer: i, remote_jwks: {}"), Jwt("issuer: i, remote_jwks: {http_uri: {uri: \"http://a/\", cluster: a} }"), Jwt(Key + ", from_headers: [{name: \"\"}]"), Jwt(Key + ", from_headers: [{name: x, value_prefix: \"a b\"}], from_params: [t], from_cookies: [c]"), Jwt(Key + ", forward_payload_header: \"a b\""), Jwt(Key + ", claim_to_headers: [{header_name: x, claim_name: \"\"}]"),
        Jwt(Key + ", claim_to_headers: [{header_name: \"\", claim_name: c}]"), Jwt(Key + ", audiences: [\"\"]"), Jwt(Key, "rules: [{match: {prefix: /}, requires: {provider_name: p} }]"), Jwt(Key, "rules: [{match: {prefix: /}, requires: {provider_name: q} }]"), Jwt(Key, "rules: [{requires: {provider_name: p} }]"), Jwt(Key, "rules: [{match: {prefix: /} }]"),
        Jwt(Key, "rules: [{match: {prefix: /}, requires: {} }]"), Jwt(Key, "rules: [{match: {prefix: /}, requires: {requires_any: {requirements: [{provider_name: p}]} } }]"), Jwt(Key, "rules: [{match: {prefix: /}, requires: {requires_all: {requirements: [{provider_name: p}, {allow_missing: {} }]} } }]"), Jwt(Key, "rules: [{match: {prefix: /}, requirement_name: n}]"),
        Jwt(Key, "rules: [{match: {prefix: /}, requirement_name: n}], requirement_map: {n: {provider_name: p} }"), Jwt(Key, "requirement_map: {n: {provider_name: q} }"), Jwt(Key, "rules: [{match: {prefix: /}, requires: {provider_and_audiences: {provider_name: p, audiences: [x]} } }]"),
        "{name: f, typed_config: {" + Filters + "jwt_authn.v3.JwtAuthentication, rules: [{match: {prefix: /}, requires: {allow_missing: {} } }]} }",
        Rbac("permissions: [{any: true}], principals: [{any: true}]"), Rbac("permissions: [], principals: [{any: true}]"), Rbac("permissions: [{any: true}], principals: []"), Rbac("permissions: [{}], principals: [{any: true}]"), Rbac("permissions: [{any: true}], principals: [{}]"), Rbac("permissions: [{any: false}], principals: [{any: true}]"),
        Rbac("permissions: [{any: true}], principals: [{any: true}]", "NONSENSE"), Rbac("permissions: [{header: {name: \"\"} }], principals: [{any: true}]"), Rbac("permissions: [{url_path: {} }], principals: [{any: true}]"), Rbac("permissions: [{url_path: {path: {prefix: \"\"} } }], principals: [{any: true}]"), Rbac("permissions: [{destination_port: 70000}], principals: [{any: true}]"),
        Rbac("permissions: [{destination_port_range: {start: 5, end: 1} }], principals: [{any: true}]"), Rbac("permissions: [{destination_ip: {address_prefix: nonsense, prefix_len: 8} }], principals: [{any: true}]"), Rbac("permissions: [{and_rules: {} }], principals: [{any: true}]"), Rbac("permissions: [{any: true}], principals: [{and_ids: {} }]"), Rbac("permissions: [{any: true}], principals: [{authenticated: {} }]"),
        Rbac("permissions: [{any: true}], principals: [{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 40} }]"), Rbac("permissions: [{any: true}], principals: [{remote_ip: {address_prefix: \"\"} }]"), Rbac("permissions: [{any: true}], principals: [{metadata: {filter: f, path: [{key: k}], value: {present_match: true} } }]"), Rbac("permissions: [{any: true}], principals: [{metadata: {path: [{key: k}], value: {present_match: true} } }]"),
        Rbac("permissions: [{any: true}], principals: [{metadata: {filter: f, value: {present_match: true} } }]"), Rbac("permissions: [{any: true}], principals: [{metadata: {filter: f, path: [{key: k}]} }]"), Rbac("permissions: [{requested_server_name: {safe_regex: {regex: \"(\"} } }], principals: [{any: true}]"),
        "{name: f, typed_config: {" + Filters + "rbac.v3.RBAC} }", "{name: f, typed_config: {" + Filters + "rbac.v3.RBAC, rules: {} } }", "{name: f, typed_config: {" + Filters + "rbac.v3.RBAC, rules: {policies: {} }, shadow_rules: {action: DENY} } }",
        Fault("abort: {http_status: 503, percentage: {numerator: 50} }"), Fault("abort: {http_status: 100, percentage: {numerator: 50} }"), Fault("abort: {http_status: 600, percentage: {numerator: 50} }"), Fault("abort: {percentage: {numerator: 50} }"), Fault("abort: {http_status: 503}"), Fault("abort: {grpc_status: 14, percentage: {numerator: 5} }"), Fault("abort: {header_abort: {}, percentage: {numerator: 5} }"),
        Fault("delay: {fixed_delay: 1s, percentage: {numerator: 50} }"), Fault("delay: {fixed_delay: 0s, percentage: {numerator: 50} }"), Fault("delay: {fixed_delay: -1s, percentage: {numerator: 50} }"), Fault("delay: {percentage: {numerator: 50} }"), Fault("headers: [{name: \"\"}]"), Fault("max_active_faults: 5"), Fault("abort: {http_status: 503, percentage: {numerator: 50, denominator: NONSENSE} }"),
        "{name: f, typed_config: {" + Filters + "local_ratelimit.v3.LocalRateLimit, stat_prefix: x, token_bucket: {max_tokens: 5, tokens_per_fill: 1, fill_interval: 1s} } }", "{name: f, typed_config: {" + Filters + "local_ratelimit.v3.LocalRateLimit, stat_prefix: x, token_bucket: {max_tokens: 0, fill_interval: 1s} } }",
        "{name: f, typed_config: {" + Filters + "local_ratelimit.v3.LocalRateLimit, stat_prefix: x, token_bucket: {max_tokens: 5, fill_interval: 0.01s} } }", "{name: f, typed_config: {" + Filters + "local_ratelimit.v3.LocalRateLimit, token_bucket: {max_tokens: 5, fill_interval: 1s} } }", "{name: f, typed_config: {" + Filters + "local_ratelimit.v3.LocalRateLimit, stat_prefix: x} }",
        "{name: f, typed_config: {" + Filters + "csrf.v3.CsrfPolicy, filter_enabled: {default_value: {numerator: 100} } } }", "{name: f, typed_config: {" + Filters + "csrf.v3.CsrfPolicy} }", "{name: f, typed_config: {" + Filters + "health_check.v3.HealthCheck, pass_through_mode: false, headers: [{name: \":path\", string_match: {exact: /h} }]} }", "{name: f, typed_config: {" + Filters + "health_check.v3.HealthCheck} }",
        "{name: f, typed_config: {" + Filters + "health_check.v3.HealthCheck, pass_through_mode: false, cache_time: 1s} }", "{name: f, typed_config: {" + Filters + "header_to_metadata.v3.Config, request_rules: [{header: x, on_header_present: {metadata_namespace: n, key: k} }]} }", "{name: f, typed_config: {" + Filters + "header_to_metadata.v3.Config, request_rules: [{header: x}]} }",
        "{name: f, typed_config: {" + Filters + "header_to_metadata.v3.Config, request_rules: [{on_header_present: {key: k} }]} }", "{name: f, typed_config: {" + Filters + "header_to_metadata.v3.Config} }", "{name: f, typed_config: {" + Filters + "header_to_metadata.v3.Config, request_rules: [{header: x, cookie: y, on_header_present: {key: k} }]} }",
    ];

    private static readonly string[] Clusters =
    [
        "{name: x, type: STATIC, " + Assigned + "}", "{type: STATIC, " + Assigned + "}", "{name: a, type: STATIC, " + Assigned + "}", "{name: x, type: NONSENSE, " + Assigned + "}", "{name: x, type: STATIC}", "{name: x, " + Assigned + "}", "{name: x, connect_timeout: 0s, " + Assigned + "}", "{name: x, connect_timeout: -1s, " + Assigned + "}",
        "{name: x, type: EDS}", "{name: x, type: EDS, eds_cluster_config: {} }", "{name: x, type: EDS, eds_cluster_config: {eds_config: {ads: {} } } }", "{name: x, type: STRICT_DNS, " + Assigned + "}", "{name: x, type: STRICT_DNS}", "{name: x, type: LOGICAL_DNS, " + Assigned + "}",
        "{name: x, type: LOGICAL_DNS, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [" + Endpoint + ", " + Endpoint + "]}]} }", "{name: x, type: LOGICAL_DNS}", "{name: x, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED}", "{name: x, type: ORIGINAL_DST}", "{name: x, type: ORIGINAL_DST, lb_policy: ROUND_ROBIN}", "{name: x, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, " + Assigned + "}",
        "{name: x, lb_policy: CLUSTER_PROVIDED, " + Assigned + "}", "{name: x, lb_policy: RING_HASH, " + Assigned + "}", "{name: x, lb_policy: RING_HASH, ring_hash_lb_config: {minimum_ring_size: 10, maximum_ring_size: 5}, " + Assigned + "}", "{name: x, lb_policy: RING_HASH, ring_hash_lb_config: {maximum_ring_size: 8388609}, " + Assigned + "}",
        "{name: x, lb_policy: MAGLEV, maglev_lb_config: {table_size: 10}, " + Assigned + "}", "{name: x, lb_policy: MAGLEV, maglev_lb_config: {table_size: 11}, " + Assigned + "}", "{name: x, lb_policy: LEAST_REQUEST, least_request_lb_config: {choice_count: 1}, " + Assigned + "}", "{name: x, lb_policy: LEAST_REQUEST, least_request_lb_config: {choice_count: 2}, " + Assigned + "}",
        "{name: x, lb_policy: RANDOM, " + Assigned + "}", "{name: x, lb_policy: NONSENSE, " + Assigned + "}", "{name: x, load_assignment: {cluster_name: \"\", endpoints: []} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{}]}]} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {} }]}]} }",
        "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: not-an-ip, port_value: 9} } } }]}]} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 65536} } } }]}]} }",
        "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1} } } }]}]} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: \"\", port_value: 9} } } }]}]} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: /tmp/none} } } }]}]} }",
        "{name: x, load_assignment: {cluster_name: x, endpoints: [{priority: 129, lb_endpoints: [" + Endpoint + "]}]} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{priority: 1, lb_endpoints: [" + Endpoint + "]}]} }", "{name: x, load_assignment: {cluster_name: x, endpoints: [{load_balancing_weight: 0, lb_endpoints: [" + Endpoint + "]}]} }",
        "{name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{load_balancing_weight: 0, endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9} } } }]}]} }", "{name: x, load_assignment: {cluster_name: x, policy: {overprovisioning_factor: 0}, endpoints: []} }",
        "{name: x, outlier_detection: {}, " + Assigned + "}", "{name: x, outlier_detection: {max_ejection_percent: 101}, " + Assigned + "}", "{name: x, outlier_detection: {interval: 0s}, " + Assigned + "}", "{name: x, outlier_detection: {base_ejection_time: -1s}, " + Assigned + "}", "{name: x, outlier_detection: {enforcing_consecutive_5xx: 101}, " + Assigned + "}",
        "{name: x, health_checks: [{}], " + Assigned + "}", "{name: x, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} }], " + Assigned + "}", "{name: x, health_checks: [{timeout: 0s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} }], " + Assigned + "}",
        "{name: x, health_checks: [{timeout: 1s, interval: 1s, healthy_threshold: 1, tcp_health_check: {} }], " + Assigned + "}", "{name: x, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1}], " + Assigned + "}", "{name: x, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {} }], " + Assigned + "}",
        "{name: x, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {path: /h, expected_statuses: [{start: 300, end: 200}]} }], " + Assigned + "}", "{name: x, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: {} }], " + Assigned + "}",
        "{name: x, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {send: {text: zz} } }], " + Assigned + "}", "{name: x, circuit_breakers: {thresholds: [{max_connections: 5}]}, " + Assigned + "}", "{name: x, circuit_breakers: {thresholds: [{priority: NONSENSE}]}, " + Assigned + "}", "{name: x, circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: 101} } }]}, " + Assigned + "}",
        "{name: x, common_lb_config: {healthy_panic_threshold: {value: 101} }, " + Assigned + "}", "{name: x, common_lb_config: {healthy_panic_threshold: {value: 50} }, " + Assigned + "}", "{name: x, common_lb_config: {locality_weighted_lb_config: {} }, " + Assigned + "}", "{name: x, common_lb_config: {zone_aware_lb_config: {} , locality_weighted_lb_config: {} }, " + Assigned + "}",
        "{name: x, lb_subset_config: {subset_selectors: [{keys: [v]}]}, " + Assigned + "}", "{name: x, lb_subset_config: {fallback_policy: NONSENSE}, " + Assigned + "}", "{name: x, dns_refresh_rate: 0s, type: STRICT_DNS, " + Assigned + "}", "{name: x, dns_lookup_family: V4_ONLY, type: STRICT_DNS, " + Assigned + "}", "{name: x, dns_lookup_family: NONSENSE, type: STRICT_DNS, " + Assigned + "}",
        "{name: x, transport_socket: {name: t}, " + Assigned + "}", "{name: x, transport_socket: {name: t, typed_config: {\"@type\": type.googleapis.com/nonsense} }, " + Assigned + "}", "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext} }, " + Assigned + "}", "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "DownstreamTlsContext} }, " + Assigned + "}",
        "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext, sni: s, common_tls_context: {alpn_protocols: [h2]} } }, " + Assigned + "}", "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext, common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_2} } } }, " + Assigned + "}",
        "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext, common_tls_context: {validation_context: {trusted_ca: {filename: /nonexistent} } } } }, " + Assigned + "}", "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext, common_tls_context: {validation_context: {trusted_ca: {inline_string: nonsense} } } } }, " + Assigned + "}",
        "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext, common_tls_context: {tls_certificates: [{}]} } }, " + Assigned + "}", "{name: x, transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext, common_tls_context: {tls_params: {cipher_suites: [NONSENSE]} } } }, " + Assigned + "}",
        "{name: x, typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {} } } }, " + Assigned + "}",
        "{name: x, typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions} }, " + Assigned + "}", "{name: x, typed_extension_protocol_options: {nonsense: {\"@type\": type.googleapis.com/nonsense} }, " + Assigned + "}",
        "{name: x, per_connection_buffer_limit_bytes: 1024, " + Assigned + "}", "{name: x, upstream_connection_options: {tcp_keepalive: {keepalive_time: 5} }, " + Assigned + "}", "{name: x, nothing: 1, " + Assigned + "}", "{name: x, http2_protocol_options: {max_concurrent_streams: 5}, " + Assigned + "}",
    ];

    private const string Proxy = "filters: [{name: t, typed_config: {" + Network + "tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: a} }]";

    private static string Tcp(string text) => "{filter_chain_match: {destination_port: 2}, filters: [{name: t, typed_config: {" + Network + "tcp_proxy.v3.TcpProxy, " + text + "} }]}";

    private static string Secured(string common, string more = "") => "{filter_chain_match: {destination_port: 2}, " + Proxy + ", transport_socket: {name: t, typed_config: {" + Tls + "DownstreamTlsContext, common_tls_context: {" + common + "}" + more + "} } }";

    private static readonly string[] Chains =
    [
        "{filter_chain_match: {destination_port: 2}, " + Proxy + "}", "{filter_chain_match: {destination_port: 1}, " + Proxy + "}", "{" + Proxy + "}", "{filter_chain_match: {destination_port: 0}, " + Proxy + "}", "{filter_chain_match: {destination_port: 65536}, " + Proxy + "}", "{filter_chain_match: {destination_port: 2} }", "{filter_chain_match: {destination_port: 2}, filters: []}",
        "{filter_chain_match: {destination_port: 2, prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}, " + Proxy + "}", "{filter_chain_match: {prefix_ranges: [{address_prefix: nonsense, prefix_len: 8}]}, " + Proxy + "}", "{filter_chain_match: {prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 33}]}, " + Proxy + "}",
        "{filter_chain_match: {server_names: [a.example]}, " + Proxy + "}", "{filter_chain_match: {server_names: [\"*.example\"]}, " + Proxy + "}", "{filter_chain_match: {server_names: [\"a.*\"]}, " + Proxy + "}", "{filter_chain_match: {server_names: [\"*\"]}, " + Proxy + "}", "{filter_chain_match: {server_names: [\"a*.example\"]}, " + Proxy + "}", "{filter_chain_match: {server_names: [\"*a.example\"]}, " + Proxy + "}",
        "{filter_chain_match: {transport_protocol: tls}, " + Proxy + "}", "{filter_chain_match: {transport_protocol: nonsense}, " + Proxy + "}", "{filter_chain_match: {application_protocols: [h2, h2]}, " + Proxy + "}", "{filter_chain_match: {source_type: EXTERNAL}, " + Proxy + "}", "{filter_chain_match: {source_type: NONSENSE}, " + Proxy + "}", "{filter_chain_match: {source_ports: [0]}, " + Proxy + "}", "{filter_chain_match: {source_ports: [70000]}, " + Proxy + "}",
        Tcp("stat_prefix: t"), Tcp("cluster: a"), Tcp("stat_prefix: t, cluster: unknown"), Tcp("stat_prefix: t, cluster: \"\""), Tcp("stat_prefix: t, weighted_clusters: {clusters: [{name: a, weight: 1}]}"), Tcp("stat_prefix: t, weighted_clusters: {clusters: [{name: a, weight: 0}]}"), Tcp("stat_prefix: t, weighted_clusters: {clusters: []}"), Tcp("stat_prefix: t, cluster: a, max_connect_attempts: 0"),
        Tcp("stat_prefix: t, cluster: a, idle_timeout: 0s"), Tcp("stat_prefix: t, cluster: a, idle_timeout: -1s"), Tcp("stat_prefix: t, cluster: a, hash_policy: [{source_ip: {} }]"), Tcp("stat_prefix: t, cluster: a, max_downstream_connection_duration: 0s"),
        "{filter_chain_match: {destination_port: 2}, filters: [{name: t}]}", "{filter_chain_match: {destination_port: 2}, filters: [{name: t, typed_config: {\"@type\": type.googleapis.com/nonsense} }]}", "{filter_chain_match: {destination_port: 2}, filters: [{name: t, typed_config: {" + Filters + "cors.v3.Cors} }]}",
        "{filter_chain_match: {destination_port: 2}, filters: [{name: t, typed_config: {" + Network + "rbac.v3.RBAC, stat_prefix: r} }]}", "{filter_chain_match: {destination_port: 2}, filters: [{name: r, typed_config: {" + Network + "rbac.v3.RBAC, stat_prefix: r} }, {name: t, typed_config: {" + Network + "tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: a} }]}",
        "{filter_chain_match: {destination_port: 2}, filters: [{name: t, typed_config: {" + Network + "tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: a} }, {name: r, typed_config: {" + Network + "rbac.v3.RBAC, stat_prefix: r} }]}", "{filter_chain_match: {destination_port: 2}, filters: [{name: r, typed_config: {" + Network + "rbac.v3.RBAC} }, {name: t, typed_config: {" + Network + "tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: a} }]}",
        "{filter_chain_match: {destination_port: 2}, filters: [{name: r, typed_config: {" + Network + "rbac.v3.RBAC, stat_prefix: r, rules: {policies: {p: {permissions: [{header: {name: x} }], principals: [{any: true}]} } } } }, {name: t, typed_config: {" + Network + "tcp_proxy.v3.TcpProxy, stat_prefix: t, cluster: a} }]}",
        Secured(""), Secured("tls_certificates: [{certificate_chain: {filename: /nonexistent}, private_key: {filename: /nonexistent} }]"), Secured("tls_certificates: [{certificate_chain: {inline_string: nonsense}, private_key: {inline_string: nonsense} }]"), Secured("tls_certificate_sds_secret_configs: [{name: s}]"), Secured("tls_certificate_sds_secret_configs: [{name: s, sds_config: {path_config_source: {path: /nonexistent} } }]"),
        Secured("validation_context: {trusted_ca: {inline_string: nonsense} }"), Secured("alpn_protocols: [h2]"), Secured("tls_params: {tls_minimum_protocol_version: NONSENSE}"), Secured("tls_params: {ecdh_curves: [NONSENSE]}"), "{filter_chain_match: {destination_port: 2}, " + Proxy + ", transport_socket: {name: t, typed_config: {" + Tls + "UpstreamTlsContext} } }", "{filter_chain_match: {destination_port: 2}, " + Proxy + ", transport_socket: {name: t} }",
        "{filter_chain_match: {destination_port: 2}, " + Proxy + ", nothing: 1}", "{filter_chain_match: {destination_port: 2}, name: n, transport_socket_connect_timeout: 5s, " + Proxy + "}",
    ];

    private const string Inspectors = "\"@type\": type.googleapis.com/envoy.extensions.filters.listener.";

    private static readonly string[] ListenerFields =
    [
        "per_connection_buffer_limit_bytes: 1024", "listener_filters_timeout: 1s", "listener_filters_timeout: -1s", "continue_on_listener_filters_timeout: true", "drain_type: MODIFY_ONLY", "drain_type: NONSENSE", "traffic_direction: INBOUND", "use_original_dst: true", "bind_to_port: false", "transparent: true", "tcp_backlog_size: 10", "nothing: 1", "connection_balance_config: {exact_balance: {} }", "connection_balance_config: {}",
        "listener_filters: [{name: x}]", "listener_filters: [{name: x, typed_config: {\"@type\": type.googleapis.com/nonsense} }]", "listener_filters: [{name: x, typed_config: {" + Inspectors + "tls_inspector.v3.TlsInspector} }]", "listener_filters: [{name: x, typed_config: {" + Inspectors + "http_inspector.v3.HttpInspector} }]", "listener_filters: [{name: x, typed_config: {" + Inspectors + "proxy_protocol.v3.ProxyProtocol} }]",
        "listener_filters: [{name: x, typed_config: {" + Inspectors + "original_dst.v3.OriginalDst} }]", "listener_filters: [{name: x, filter_disabled: {destination_port_range: {start: 5, end: 9} }, typed_config: {" + Inspectors + "tls_inspector.v3.TlsInspector} }]", "listener_filters: [{name: x, filter_disabled: {}, typed_config: {" + Inspectors + "tls_inspector.v3.TlsInspector} }]",
        "default_filter_chain: {" + Proxy + "}", "default_filter_chain: {}", "access_log: [{name: l, typed_config: {" + LogType + ", path: /dev/null} }]", "access_log: [{name: l}]", "socket_options: [{level: 6, name: 1, int_value: 1, state: STATE_PREBIND}]", "socket_options: [{level: 6, name: 1, state: STATE_PREBIND}]",
    ];

    private static string Listener(string text) => "{name: more, " + text + "}";

    private static readonly string[] Listeners =
    [
        Listener("address: {socket_address: {address: 127.0.0.1, port_value: 0} }, filter_chains: [{" + Proxy + "}]"), Listener("filter_chains: [{" + Proxy + "}]"), Listener("address: {}, filter_chains: [{" + Proxy + "}]"), Listener("address: {socket_address: {address: not-an-ip, port_value: 0} }, filter_chains: [{" + Proxy + "}]"), Listener("address: {socket_address: {address: 127.0.0.1, port_value: 65536} }, filter_chains: [{" + Proxy + "}]"),
        Listener("address: {socket_address: {address: 127.0.0.1} }, filter_chains: [{" + Proxy + "}]"), Listener("address: {socket_address: {address: 127.0.0.1, named_port: http} }, filter_chains: [{" + Proxy + "}]"), Listener("address: {socket_address: {address: 127.0.0.1, port_value: 0} }"), Listener("address: {socket_address: {address: 127.0.0.1, port_value: 0} }, filter_chains: []"),
        Listener("address: {socket_address: {address: 127.0.0.1, port_value: 0} }, default_filter_chain: {" + Proxy + "}"), "{name: test, address: {socket_address: {address: 127.0.0.1, port_value: 0} }, filter_chains: [{" + Proxy + "}]}", "{address: {socket_address: {address: 127.0.0.1, port_value: 0} }, filter_chains: [{" + Proxy + "}]}",
        Listener("address: {socket_address: {address: \"::1\", port_value: 0} }, filter_chains: [{" + Proxy + "}]"), Listener("address: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: 0} }, filter_chains: [{" + Proxy + "}]"), Listener("address: {pipe: {path: \"\"} }, filter_chains: [{" + Proxy + "}]"),
        Listener("address: {socket_address: {address: 127.0.0.1, port_value: 0} }, api_listener: {}"), Listener("address: {socket_address: {address: 127.0.0.1, port_value: 0} }, filter_chains: [{" + Proxy + "}, {" + Proxy + "}]"),
    ];

    private static readonly string[] Bootstraps =
    [
        "admin: {}", "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0} } }", "admin: {address: {socket_address: {address: nonsense, port_value: 0} } }", "nothing: 1", "layered_runtime: {layers: [{name: l, static_layer: {a: b} }]}", "layered_runtime: {layers: [{name: l}]}", "layered_runtime: {layers: [{name: l, static_layer: {} }, {name: l, admin_layer: {} }]}",
        "stats_config: {stats_tags: [{tag_name: t, regex: \"((x))\"}]}", "stats_config: {stats_tags: [{tag_name: t, regex: \"(\"}]}", "stats_config: {use_all_default_tags: true}", "stats_config: {stats_matcher: {reject_all: true} }", "stats_config: {stats_matcher: {} }", "stats_flush_interval: 0s", "stats_flush_interval: 5s",
        "overload_manager: {refresh_interval: 1s}", "overload_manager: {resource_monitors: [{name: nonsense}]}", "overload_manager: {resource_monitors: [{name: m, typed_config: {\"@type\": type.googleapis.com/nonsense} }]}", "overload_manager: {actions: [{name: envoy.overload_actions.stop_accepting_requests, triggers: [{name: unknown, threshold: {value: 0.9} }]}]}",
        "dynamic_resources: {ads_config: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: a} }]} }", "dynamic_resources: {ads_config: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: unknown} }]} }", "dynamic_resources: {ads_config: {api_type: GRPC, transport_api_version: V3} }",
        "dynamic_resources: {lds_config: {ads: {}, resource_api_version: V3} }", "dynamic_resources: {lds_config: {} }", "dynamic_resources: {ads_config: {api_type: NONSENSE} }", "dynamic_resources: {cds_config: {path_config_source: {path: /nonexistent} } }", "tracing: {http: {name: nonsense} }", "watchdog: {}", "flags_path: x", "header_prefix: x-lateen", "default_socket_interface: nonsense",
        "cluster_manager: {local_cluster_name: a}", "cluster_manager: {local_cluster_name: unknown}", "bootstrap_extensions: [{name: x}]", "enable_dispatcher_stats: true", "fatal_actions: [{config: {name: x} }]",
    ];
}
