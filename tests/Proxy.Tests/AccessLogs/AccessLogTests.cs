using System.Globalization;
using System.Text.RegularExpressions;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Tests.Forwarding;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.AccessLogs;

public sealed class AccessLogTests
{
    [Theory]
    [InlineData("%REQ(:METHOD)% %REQ_WITHOUT_QUERY(:PATH)% %PROTOCOL% %RESPONSE_CODE%", "GET /a HTTP/1.1 200")]
    [InlineData("%UPSTREAM_CLUSTER_RAW% %ROUTE_NAME% %BYTES_RECEIVED%", "app r 0")]
    [InlineData("%TRAILER(X-NONE)% %CONNECTION_TERMINATION_DETAILS% %GRPC_STATUS%", "- - -")]
    [InlineData("%ACCESS_LOG_TYPE% %DOWNSTREAM_TLS_VERSION%", "DownstreamEnd -")]
    [InlineData("%CEL(request.method + ' ' + string(response.code))% %CEL(request.nothing)%", "GET 200 -")]
    [InlineData("%REQ(X-LONG):3%", "abc")]
    public async Task Operators_show_what_happened(string format, string expected) => Assert.Equal(expected, await LogAsync(format, ""));

    [Theory]
    [InlineData("%START_TIME(%Y-%m-%dT%H:%M:%S.%3f)%", @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$")]
    [InlineData("%START_TIME(%s.%6f)%", @"^\d{10}\.\d{6}$")]
    [InlineData("%START_TIME(%f)%", @"^\d{9}$")]
    [InlineData("%DURATION% %COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%", @"^\d+ \d+000$|^\d+ 0$")]
    public async Task Times_have_the_form_that_was_asked_for(string format, string pattern) => Assert.Matches(new Regex(pattern, RegexOptions.CultureInvariant), await LogAsync(format, ""));

    [Theory]
    [InlineData("status_code_filter: {comparison: {op: GE, value: {default_value: 400, runtime_key: x}}}", false)]
    [InlineData("status_code_filter: {comparison: {op: NE, value: {default_value: 404, runtime_key: x}}}", true)]
    [InlineData("header_filter: {header: {name: x-long, present_match: true}}", true)]
    [InlineData("log_type_filter: {types: [TcpConnectionEnd]}", false)]
    [InlineData("traceable_filter: {}", false)]
    [InlineData("duration_filter: {comparison: {op: GE, value: {default_value: 60000, runtime_key: x}}}", false)]
    [InlineData("runtime_filter: {runtime_key: x, percent_sampled: {numerator: 0}}", false)]
    [InlineData("runtime_filter: {runtime_key: x, percent_sampled: {numerator: 100}}", true)]
    [InlineData("response_flag_filter: {flags: [UH]}", false)]
    [InlineData("grpc_status_filter: {statuses: [OK]}", false)]
    [InlineData("metadata_filter: {matcher: {filter: a, path: [{key: b}], value: {string_match: {exact: c}}}}", true)]
    [InlineData("""extension_filter: {name: cel, typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter, expression: "response.code >= 400 || request.url_path.startsWith('/a')"}}""", true)]
    [InlineData("""extension_filter: {name: cel, typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter, expression: "response.code >= 400"}}""", false)]
    public async Task Filters_choose_what_is_logged(string filter, bool isLogged) => Assert.Equal(isLogged ? "200" : "", await LogAsync("%RESPONSE_CODE%", $"filter: {{{filter}}}"));

    [Theory]
    [InlineData("%NOTHING%")]
    [InlineData("%COMMON_DURATION(DS_RX_BEG:US_CX_BEG:ms)%")]
    [InlineData("%START_TIME(%q)%")]
    [InlineData("%CEL(request.)%")]
    [InlineData("%METADATA(ROUTE:a:b)%")]
    public void What_cannot_be_shown_is_refused(string format) => Assert.Equal("here", Assert.Throws<ConfigRefusedException>(() => FormatString.Compile(format, "here")).Path);

    [Fact]
    public async Task Json_leaves_out_what_has_no_value_when_asked() =>
        Assert.Equal("{\"a\":\"GET\",\"d\":200}", await LogAsync("json_format: {a: \"%REQ(:METHOD)%\", b: \"%REQ(X-NONE)%\", c: \"%TRAILER(X)%\", d: \"%RESPONSE_CODE%\"}\nomit_empty_values: true", "", isText: false));

    /// <summary>The line of one request; empty when it was not logged while the one after it was.</summary>
    private static async Task<string> LogAsync(string format, string filter, bool isText = true)
    {
        using var folder = new TempFolder();
        var (one, marker) = (folder.PathOf("one.log"), folder.PathOf("marker.log"));
        var form = isText ? $"text_format_source: {{inline_string: \"{format}\\n\"}}" : format;
        await using var proxy = TestProxy.Start("- {name: r, match: {prefix: \"/\"}, route: {cluster: app}}", manager: $$"""
            access_log:
            - name: one
              {{filter}}
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                path: {{one}}
                log_format:
            {{string.Join('\n', form.Split('\n').Select(line => "      " + line))}}
            - name: marker
              typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: {{marker}}}
            """);
        using var client = proxy.Client();
        client.DefaultRequestHeaders.Add("x-long", "abcdef");
        await client.GetAsync("/a?b=c", TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => File.Exists(marker) && File.ReadAllText(marker).Length > 0);
        LogFileSink.FlushAll();
        return File.Exists(one) ? File.ReadAllText(one).TrimEnd('\n').ToString(CultureInfo.InvariantCulture) : "";
    }
}
