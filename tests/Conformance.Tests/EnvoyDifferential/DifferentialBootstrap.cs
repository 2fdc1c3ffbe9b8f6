namespace Lateen.Conformance.Tests.EnvoyDifferential;

/// <summary>The bootstrap that both proxies run; only ports and the log's file differ.</summary>
internal static class DifferentialBootstrap
{
    public static string Text(int port, int adminPort, int a, int b, string log, string jwks) => $$"""
        node: {id: test, cluster: test}
        admin: {address: {socket_address: {address: 127.0.0.1, port_value: {{adminPort}} } } }
        static_resources:
          clusters:
          - {name: a, type: STATIC, connect_timeout: 1s, circuit_breakers: {thresholds: [{max_retries: 1000}]}, load_assignment: {{Endpoint("a", a)}} }
          - {name: b, type: STATIC, connect_timeout: 1s, circuit_breakers: {thresholds: [{max_retries: 1000}]}, load_assignment: {{Endpoint("b", b)}} }
          - {name: dead, type: STATIC, connect_timeout: 1s, circuit_breakers: {thresholds: [{max_retries: 1000}]}, load_assignment: {{Endpoint("dead", 1)}} }
          - {name: tight, type: STATIC, connect_timeout: 1s, circuit_breakers: {thresholds: [{max_retries: 0}]}, load_assignment: {{Endpoint("tight", a)}} }
          - {name: empty, type: STATIC, connect_timeout: 1s, load_assignment: {cluster_name: empty} }
          listeners:
          - name: test
            address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } }
            filter_chains:
            - filters:
              - name: http
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: test
                  normalize_path: true
                  access_log:
                  - name: file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: {{log}}
                      log_format: {text_format_source: {inline_string: "%REQ(X-CASE)% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER% %RESPONSE_CODE_DETAILS% %ROUTE_NAME%\n"} }
                  route_config:
                    name: table
                    request_headers_to_add: [{header: {key: x-table, value: t} }]
                    virtual_hosts:
                    - name: exact
                      domains: [exact.example]
                      routes: [{name: exact, match: {prefix: "/"}, route: {cluster: b} }]
                    - name: suffix
                      domains: ["*.suffix.example"]
                      routes: [{name: suffix, match: {prefix: "/"}, route: {cluster: b} }]
                    - name: prefix
                      domains: ["prefix.*"]
                      routes: [{name: prefix, match: {prefix: "/"}, route: {cluster: b} }]
                    - name: all
                      domains: ["*"]
                      request_headers_to_add: [{header: {key: x-host, value: h} }]
                      routes:
                      - {name: path, match: {path: /path}, route: {cluster: b} }
                      - {name: nocase, match: {prefix: /nocase, case_sensitive: false}, route: {cluster: b} }
                      - {name: separated, match: {path_separated_prefix: /sep}, route: {cluster: b} }
                      - {name: regex, match: {safe_regex: {regex: "/re/[0-9]+"} }, route: {cluster: b} }
                      - {name: header, match: {prefix: /h, headers: [{name: x-a, string_match: {exact: "1"} }]}, route: {cluster: b} }
                      - {name: header-range, match: {prefix: /h, headers: [{name: x-n, range_match: {start: 3, end: 6} }]}, route: {cluster: b} }
                      - {name: header-not, match: {prefix: /h, headers: [{name: x-b, string_match: {prefix: "no"}, invert_match: true}]}, route: {cluster: b} }
                      - {name: query, match: {prefix: /q, query_parameters: [{name: v, string_match: {exact: "2"} }]}, route: {cluster: b} }
                      - {name: query-present, match: {prefix: /q, query_parameters: [{name: w, present_match: true}]}, route: {cluster: b} }
                      - {name: rewrite, match: {prefix: /rewrite/}, route: {cluster: a, prefix_rewrite: /, host_rewrite_literal: other.example} }
                      - {name: regex-rewrite, match: {prefix: /rr/}, route: {cluster: a, regex_rewrite: {pattern: {regex: "^/rr/([a-z]+)/(.*)$"}, substitution: "/\\2/\\1"} } }
                      - {name: redirect, match: {prefix: /redirect}, redirect: {host_redirect: new.example, path_redirect: /there} }
                      - {name: redirect-https, match: {prefix: /secure}, redirect: {https_redirect: true, response_code: FOUND} }
                      - {name: redirect-prefix, match: {prefix: /moved}, redirect: {prefix_rewrite: /now, strip_query: true, response_code: PERMANENT_REDIRECT} }
                      - {name: direct, match: {prefix: /direct}, direct_response: {status: 418, body: {inline_string: tea} } }
                      - {name: direct-empty, match: {prefix: /nothing}, direct_response: {status: 204} }
                      - {name: dead, match: {prefix: /dead}, route: {cluster: dead} }
                      - {name: empty, match: {prefix: /empty}, route: {cluster: empty} }
                      - {name: unknown, match: {prefix: /unknown}, route: {cluster_header: x-cluster} }
                      - {name: timeout, match: {prefix: /timeout}, route: {cluster: a, timeout: 0.2s} }
                      - {name: per-try, match: {prefix: /per-try}, route: {cluster: a, timeout: 5s, retry_policy: {retry_on: 5xx, num_retries: 1, per_try_timeout: 0.2s} } }
                      - {name: retry, match: {prefix: /retry-5xx}, route: {cluster: a, retry_policy: {retry_on: 5xx, num_retries: 2} } }
                      - {name: retry-gateway, match: {prefix: /retry-gateway}, route: {cluster: a, retry_policy: {retry_on: gateway-error, num_retries: 1} } }
                      - {name: retry-codes, match: {prefix: /retry-codes}, route: {cluster: a, retry_policy: {retry_on: retriable-status-codes, retriable_status_codes: [418], num_retries: 1} } }
                      - {name: retry-409, match: {prefix: /retry-4xx}, route: {cluster: a, retry_policy: {retry_on: retriable-4xx, num_retries: 1} } }
                      - {name: retry-reset, match: {prefix: /retry-reset}, route: {cluster: a, retry_policy: {retry_on: reset, num_retries: 1} } }
                      - {name: retry-tight, match: {prefix: /retry-tight}, route: {cluster: tight, retry_policy: {retry_on: 5xx, num_retries: 1} } }
                      - {name: header-joined, match: {prefix: /joined, headers: [{name: x-a, string_match: {exact: "1,2"} }]}, route: {cluster: b} }
                      - {name: header-none, match: {prefix: /joined, headers: [{name: x-a, string_match: {exact: "2"}, invert_match: true}]}, route: {cluster: b} }
                      - {name: retry-dead, match: {prefix: /retry-dead}, route: {cluster: dead, retry_policy: {retry_on: connect-failure, num_retries: 1} } }
                      - name: ops
                        match: {prefix: /ops}
                        route: {cluster: a}
                        request_headers_to_add:
                        - {header: {key: x-added, value: "%REQ(x-a)%-%PROTOCOL%"}, append_action: APPEND_IF_EXISTS_OR_ADD}
                        - {header: {key: x-over, value: mine}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
                        - {header: {key: x-absent, value: mine}, append_action: ADD_IF_ABSENT}
                        - {header: {key: x-only, value: mine}, append_action: OVERWRITE_IF_EXISTS}
                        request_headers_to_remove: [x-b]
                        response_headers_to_add: [{header: {key: x-code, value: "%RESPONSE_CODE%"} }]
                        response_headers_to_remove: [x-remove-me]
                      - name: fault-abort
                        match: {prefix: /fault/abort}
                        route: {cluster: a}
                        typed_per_filter_config: {fault: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, abort: {http_status: 555, percentage: {numerator: 100} } } }
                      - name: fault-delay
                        match: {prefix: /fault/delay}
                        route: {cluster: a}
                        typed_per_filter_config: {fault: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, delay: {fixed_delay: 0.05s, percentage: {numerator: 100} } } }
                      - name: fault-grpc
                        match: {prefix: /fault/grpc}
                        route: {cluster: a}
                        typed_per_filter_config: {fault: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, abort: {grpc_status: 14, percentage: {numerator: 100} } } }
                      - name: cors
                        match: {prefix: /cors}
                        route: {cluster: a}
                        typed_per_filter_config:
                          cors: {"@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy, allow_origin_string_match: [{exact: "http://ok"}, {suffix: .friend}], allow_methods: "GET,PUT", allow_headers: x-c, expose_headers: x-d, max_age: "60", allow_credentials: true}
                      - {name: a, match: {prefix: "/"}, route: {cluster: a} }
                  http_filters:
                  - name: jwt
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                      providers:
                        p: {issuer: us, audiences: [shop], payload_in_metadata: payload, forward_payload_header: x-payload, claim_to_headers: [{header_name: x-sub, claim_name: sub}], local_jwks: {inline_string: '{{jwks}}'} }
                        q: {issuer: them, from_headers: [{name: x-token}], forward: true, local_jwks: {inline_string: '{{jwks}}'} }
                      rules:
                      - {match: {prefix: /jwt/must}, requires: {provider_name: p} }
                      - {match: {prefix: /jwt/may}, requires: {requires_any: {requirements: [{provider_name: p}, {allow_missing: {} }]} } }
                      - {match: {prefix: /jwt/any}, requires: {requires_any: {requirements: [{provider_name: p}, {provider_name: q}]} } }
                      - {match: {prefix: /jwt/all}, requires: {requires_all: {requirements: [{provider_name: p}, {provider_name: q}]} } }
                      - {match: {prefix: /jwt/failed}, requires: {allow_missing_or_failed: {} } }
                  - name: rbac
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                      rules:
                        action: DENY
                        policies:
                          "ns[a]-policy[b]-rule[0]": {permissions: [{url_path: {path: {prefix: /admin} } }], principals: [{not_id: {header: {name: x-user, string_match: {exact: root} } } }]}
                          methods: {permissions: [{and_rules: {rules: [{header: {name: ":method", string_match: {exact: DELETE} } }, {url_path: {path: {prefix: /cors} } }]} }], principals: [{any: true}]}
                          claims: {permissions: [{url_path: {path: {prefix: /jwt/must/no} } }], principals: [{metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: sub}], value: {string_match: {exact: me} } } }]}
                  - {name: cors, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors} }
                  - {name: fault, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault} }
                  - {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router} }
        """;

    private static string Endpoint(string cluster, int port) =>
        $$"""{cluster_name: {{cluster}}, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } } } }]}]}""";
}
