using System.Text;

namespace Lateen.Bench.Load;

/// <summary>
/// The same task in each proxy's words: a sidecar's outbound HTTP port with several virtual hosts and a retry policy, an access
/// log in Istio's format and statistics; and plain TCP. Each method writes a file and gives its path.
/// </summary>
internal static class Configurations
{
    private const string LogFormat =
        "[%START_TIME%] \\\"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\\\" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
        + "\\\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\\\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \\\"%REQ(X-FORWARDED-FOR)%\\\" \\\"%REQ(USER-AGENT)%\\\" "
        + "\\\"%REQ(X-REQUEST-ID)%\\\" \\\"%REQ(:AUTHORITY)%\\\" \\\"%UPSTREAM_HOST%\\\" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
        + "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\\n";

    /// <summary>The light server behind every proxy: nginx with fixed answers.</summary>
    public static string Backend(Backends backends, string folder) => Write(folder, "backend.conf", $$"""
        daemon off; master_process off; worker_processes 1; pid {{folder}}/backend.pid; error_log stderr crit;
        events { worker_connections 8192; }
        http {
          access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; client_body_temp_path {{folder}}/backend-body;
          server {
            listen 127.0.0.1:{{backends.Http1}} backlog=4096; listen 127.0.0.1:{{backends.Http2}} http2 backlog=4096; listen 127.0.0.1:{{backends.Tls}} ssl backlog=4096;
            ssl_certificate {{backends.Certificates.Certificate}}; ssl_certificate_key {{backends.Certificates.Key}}; ssl_protocols TLSv1.3;
            ssl_client_certificate {{backends.Certificates.Authority}}; ssl_verify_client on;
            location = /small { default_type text/plain; return 200 "{{new string('s', 128)}}"; }
            location = /large { default_type text/plain; alias {{Write(folder, "large.txt", new string('l', 16 * 1024))}}; open_file_cache max=10; }
          }
        }
        """);

    public static string HaProxy(Backends backends, IReadOnlyDictionary<PortKind, int> ports, string folder)
    {
        var text = new StringBuilder($"""
            global
              nbthread 1
              maxconn 8000
              log ring@logs format raw local0
            ring logs
              format raw
              maxlen 1200
              size 1048576
            defaults
              timeout client 3600s
              timeout server 3600s
              timeout connect 5s
              maxconn 8000
            backend reviews
              mode http
              http-reuse always
              retries 2
              server s1 127.0.0.1:{backends.Http1}
            backend reviews-h2
              mode http
              http-reuse always
              retries 2
              server s1 127.0.0.1:{backends.Http2} proto h2
            backend reviews-tls
              mode http
              http-reuse always
              retries 2
              server s1 127.0.0.1:{backends.Tls} ssl verify required ca-file {backends.Certificates.Authority} crt {backends.Certificates.Both} sni str(reviews) verifyhost reviews

            """);
        const string Jason = "acl jason req.hdr(end-user) -m str jason\n  http-request deny deny_status 404 if jason";
        const string Policy = "acl allowed method GET\n  acl allowed_path path_beg /small /large\n  http-request deny unless allowed allowed_path";
        foreach (var (kind, how, rules, where) in new[]
                 {
                     (PortKind.Http, "", Jason, "reviews"), (PortKind.Rbac, "", Policy, "reviews"),
                     (PortKind.Http2, "proto h2", Jason, "reviews"), (PortKind.Http2Both, "proto h2", Jason, "reviews-h2"),
                     (PortKind.Tls, $"ssl crt {backends.Certificates.Both} alpn http/1.1", Jason, "reviews-tls"),
                 })
            if (ports.TryGetValue(kind, out var port))
                text.Append($"""
                    frontend {kind}
                      mode http
                      option httplog
                      log global
                      bind 127.0.0.1:{port} {how}
                      unique-id-format %[uuid()]
                      unique-id-header x-request-id
                      option forwardfor
                      acl reviews req.hdr(host),field(1,:) -m str 127.0.0.1 reviews reviews.default.svc.cluster.local
                      {rules}
                      use_backend {where} if reviews

                    """);
        if (ports.TryGetValue(PortKind.Tcp, out var tcp))
            text.Append($"""
                listen tcp
                  mode tcp
                  option tcplog
                  log global
                  bind 127.0.0.1:{tcp}
                  server s1 127.0.0.1:{backends.Http1}

                """);
        return Write(folder, "haproxy.cfg", text.ToString());
    }

    /// <summary>nginx has no ring, no RBAC filter and no HTTP/2 upstream; its log file is buffered as Envoy's is. TCP needs its stream module, which many builds lack.</summary>
    public static string Nginx(Backends backends, IReadOnlyDictionary<PortKind, int> ports, string folder)
    {
        var text = new StringBuilder($$"""
            daemon off; master_process off; worker_processes 1; pid {{folder}}/nginx.pid; error_log stderr crit;
            events { worker_connections 16384; }
            http {
              log_format mesh '[$time_iso8601] "$request" $status $request_length $bytes_sent $request_time $upstream_response_time "$http_x_forwarded_for" "$http_user_agent" "$request_id" "$host" "$upstream_addr" $server_addr:$server_port $remote_addr:$remote_port';
              access_log {{folder}}/nginx-access.log mesh buffer=64k flush=1s;
              keepalive_requests 1000000000; keepalive_timeout 3600s; client_body_temp_path {{folder}}/nginx-body; proxy_temp_path {{folder}}/nginx-proxy;
              upstream reviews { server 127.0.0.1:{{backends.Http1}}; keepalive 2048; keepalive_requests 1000000000; }
              upstream reviews-tls { server 127.0.0.1:{{backends.Tls}}; keepalive 2048; keepalive_requests 1000000000; }
              ssl_certificate {{backends.Certificates.Certificate}}; ssl_certificate_key {{backends.Certificates.Key}}; ssl_protocols TLSv1.3;
              proxy_ssl_certificate {{backends.Certificates.Certificate}}; proxy_ssl_certificate_key {{backends.Certificates.Key}}; proxy_ssl_protocols TLSv1.3;
              proxy_ssl_trusted_certificate {{backends.Certificates.Authority}}; proxy_ssl_verify on; proxy_ssl_name reviews; proxy_ssl_server_name on;

            """);
        foreach (var (kind, port) in ports.Where(pair => pair.Key != PortKind.Tcp))
            text.Append($$"""
                  server {
                    listen 127.0.0.1:{{port}}{{(kind == PortKind.Http2 ? " http2" : kind == PortKind.Tls ? " ssl" : "")}} backlog=4096; server_name 127.0.0.1 reviews reviews.default.svc.cluster.local;
                    location / {
                      {{(kind == PortKind.Rbac ? "limit_except GET { deny all; }" : "if ($http_end_user = jason) { return 404; }")}}
                      proxy_pass {{(kind == PortKind.Tls ? "https://reviews-tls" : "http://reviews")}}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    }
                  }

                """);
        text.Append("}\n");
        if (ports.TryGetValue(PortKind.Tcp, out var tcp)) text.Append($"stream {{ server {{ listen 127.0.0.1:{tcp}; proxy_pass 127.0.0.1:{backends.Http1}; }} }}\n");
        return Write(folder, "nginx.conf", text.ToString());
    }

    /// <summary>For Envoy and for ours: the very same file but for the path of the log.</summary>
    public static string Envoy(Backends backends, IReadOnlyDictionary<PortKind, int> ports, string folder, string name)
    {
        var listeners = new StringBuilder();
        foreach (var (kind, port) in ports)
            listeners.Append(kind == PortKind.Tcp
                ? $$"""
                  - name: tcp
                    address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } }
                    filter_chains:
                    - filters:
                      - name: envoy.filters.network.tcp_proxy
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: tcp, cluster: "outbound|9080||reviews.default.svc.cluster.local"}

                """
                : Http(kind, port, $"{folder}/{name}-access.log", backends.Certificates));
        return Write(folder, name + ".yaml", $$"""
            node: {id: "sidecar~127.0.0.1~bench.default~default.svc.cluster.local", cluster: bench}
            static_resources:
              clusters:
              - name: outbound|9080||reviews.default.svc.cluster.local
                type: STATIC
                connect_timeout: 10s
                lb_policy: LEAST_REQUEST
                circuit_breakers: {thresholds: [ {max_connections: 4294967295, max_pending_requests: 4294967295, max_requests: 4294967295, max_retries: 4294967295} ] }
                load_assignment: {cluster_name: x, endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{backends.Http1}} } } } } ] } ] }
              - name: reviews-h2
                type: STATIC
                connect_timeout: 10s
                lb_policy: LEAST_REQUEST
                circuit_breakers: {thresholds: [ {max_connections: 4294967295, max_pending_requests: 4294967295, max_requests: 4294967295, max_retries: 4294967295} ] }
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {} } }
                load_assignment: {cluster_name: x, endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{backends.Http2}} } } } } ] } ] }
              - name: reviews-tls
                type: STATIC
                connect_timeout: 10s
                lb_policy: LEAST_REQUEST
                circuit_breakers: {thresholds: [ {max_connections: 4294967295, max_pending_requests: 4294967295, max_requests: 4294967295, max_retries: 4294967295} ] }
                transport_socket:
                  name: envoy.transport_sockets.tls
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                    sni: reviews
                    common_tls_context:
                      tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}
                      tls_certificates: [ {certificate_chain: {filename: {{backends.Certificates.Certificate}} }, private_key: {filename: {{backends.Certificates.Key}} } } ]
                      validation_context: {trusted_ca: {filename: {{backends.Certificates.Authority}} }, match_typed_subject_alt_names: [ {san_type: DNS, matcher: {exact: reviews} } ] }
                load_assignment: {cluster_name: x, endpoints: [ {lb_endpoints: [ {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{backends.Tls}} } } } } ] } ] }
              listeners:
            {{listeners}}
            """);
    }

    private static string Http(PortKind kind, int port, string log, BenchCertificates certificates) => $$"""
          - name: {{kind}}
            address: {socket_address: {address: 127.0.0.1, port_value: {{port}} } }
            filter_chains:
            - {{(kind == PortKind.Tls ? Tls(certificates) : "")}}
              filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: outbound_0.0.0.0_9080
                  normalize_path: true
                  stream_idle_timeout: 0s
                  access_log:
                  - name: envoy.access_loggers.file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: {{log}}
                      log_format: {text_format_source: {inline_string: "{{LogFormat}}"} }
                  route_config:
                    name: "9080"
                    virtual_hosts:
                    - {name: "details:9080", domains: [details, "details:9080", details.default.svc.cluster.local], routes: [ {match: {prefix: /}, direct_response: {status: 404} } ] }
                    - {name: "productpage:9080", domains: [productpage, "productpage:9080", productpage.default.svc.cluster.local], routes: [ {match: {prefix: /}, direct_response: {status: 404} } ] }
                    - {name: "ratings:9080", domains: [ratings, "ratings:9080", ratings.default.svc.cluster.local], routes: [ {match: {prefix: /}, direct_response: {status: 404} } ] }
                    - name: reviews:9080
                      domains: [reviews, "reviews:9080", reviews.default.svc.cluster.local, "127.0.0.1", "127.0.0.1:{{port}}"]
                      routes:
                      - {match: {prefix: /, headers: [ {name: end-user, string_match: {exact: jason} } ] }, direct_response: {status: 404} }
                      - match: {prefix: /}
                        name: default
                        route:
                          cluster: {{(kind == PortKind.Tls ? "reviews-tls" : kind == PortKind.Http2Both ? "reviews-h2" : "outbound|9080||reviews.default.svc.cluster.local")}}
                          timeout: 0s
                          retry_policy: {retry_on: "connect-failure,refused-stream,unavailable,cancelled", num_retries: 2, host_selection_retry_max_attempts: "5"}
                  http_filters:
        {{(kind == PortKind.Rbac ? Rbac : "")}}
                  - name: envoy.filters.http.fault
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}
                  - name: envoy.filters.http.cors
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}

        """;

    private static string Tls(BenchCertificates certificates) =>
        "transport_socket: {name: envoy.transport_sockets.tls, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, "
        + "common_tls_context: {alpn_protocols: [http/1.1], tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}, "
        + $"tls_certificates: [ {{certificate_chain: {{filename: {certificates.Certificate} }}, private_key: {{filename: {certificates.Key} }} }} ] }} }} }}";

    private const string Rbac = """
                  - name: envoy.filters.http.rbac
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                      rules:
                        action: ALLOW
                        policies:
                          "ns[default]-policy[reviews]-rule[0]":
                            permissions: [ {and_rules: {rules: [ {or_rules: {rules: [ {header: {name: ":method", string_match: {exact: GET} } } ] } }, {or_rules: {rules: [ {url_path: {path: {prefix: /small} } }, {url_path: {path: {prefix: /large} } } ] } } ] } } ]
                            principals: [ {any: true} ]
        """;

    private static string Write(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
