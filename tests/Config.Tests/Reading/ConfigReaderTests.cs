using Istio.Networking.V1Alpha3;
using Xunit;

namespace Lateen.Config.Tests.Reading;

/// <summary>How lenient and how strict the reader is: as Istio was seen to be.</summary>
public sealed class ConfigReaderTests
{
    private const string Route = "route: [{ destination: { host: reviews } }]";

    [Fact]
    public void Both_spellings_are_read_and_the_json_one_wins()
    {
        var spec = Read("VirtualService", "{ export_to: ['*'], hosts: [a], http: [{ mirror_percentage: { value: 1 }, mirrorPercentage: { value: 2 }, " + Route + " }] }").As<VirtualService>();
        Assert.Equal(["*"], spec.ExportTo);
        Assert.Equal(2, spec.Http[0].MirrorPercentage.Value);
    }

    [Theory]
    [InlineData("'400'")]
    [InlineData("400.0")]
    [InlineData("4e2")]
    public void Whole_numbers_may_be_quoted_or_written_as_floats(string number) =>
        Assert.Equal(400, Read("VirtualService", $"{{ hosts: [a], http: [{{ fault: {{ abort: {{ httpStatus: {number} }} }}, {Route} }}] }}").As<VirtualService>().Http[0].Fault.Abort.HttpStatus);

    [Theory]
    [InlineData("400.5")]
    [InlineData("'4e2'")]
    [InlineData("true")]
    [InlineData("3000000000")]
    public void Other_values_are_no_whole_numbers(string number) =>
        Assert.Equal("spec.http[0].fault.abort.httpStatus", Error("VirtualService", $"{{ hosts: [a], http: [{{ fault: {{ abort: {{ httpStatus: {number} }} }}, {Route} }}] }}").Path);

    [Fact]
    public void Percentages_may_be_not_a_number() =>
        Assert.Equal(double.NaN, Read("VirtualService", "{ hosts: [a], http: [{ mirrorPercentage: { value: 'NaN' }, " + Route + " }] }").As<VirtualService>().Http[0].MirrorPercentage.Value);

    [Fact]
    public void Names_of_enums_are_strict_and_numbers_are_not()
    {
        Assert.Equal("unknown value \"mutual\" for enum istio.networking.v1alpha3.ClientTLSSettings.TLSmode",
            Error("DestinationRule", "{ host: a, trafficPolicy: { tls: { mode: mutual } } }").Message);
        Assert.Equal(77, (int)Read("DestinationRule", "{ host: a, trafficPolicy: { tls: { mode: 77 } } }").As<DestinationRule>().TrafficPolicy.Tls.Mode);
    }

    [Fact]
    public void The_later_declared_member_of_a_oneof_wins()
    {
        var match = Read("VirtualService", "{ hosts: [a], http: [{ match: [{ uri: { prefix: /p, exact: /e } }], " + Route + " }] }").As<VirtualService>().Http[0].Match[0];
        Assert.Equal("/p", match.Uri.Prefix);
    }

    [Fact]
    public void A_null_element_is_an_empty_one_and_a_null_field_is_absent()
    {
        var spec = Read("VirtualService", "{ hosts: [a], gateways: null, http: [{ match: [null], timeout: null, " + Route + " }] }").As<VirtualService>();
        Assert.Equal(new HTTPMatchRequest(), Assert.Single(spec.Http[0].Match));
        Assert.Null(spec.Http[0].Timeout);
    }

    [Theory]
    [InlineData("1h30m", 5400, 0)]
    [InlineData(".5s", 0, 500_000_000)]
    [InlineData("1.5ms", 0, 1_500_000)]
    [InlineData("-2s", -2, 0)]
    [InlineData("0", 0, 0)]
    public void Durations_have_the_syntax_of_Go(string text, long seconds, int nanos)
    {
        var timeout = Read("VirtualService", $"{{ hosts: [a], http: [{{ timeout: '{text}', {Route} }}] }}").As<VirtualService>().Http[0].Timeout;
        Assert.Equal((seconds, nanos), (timeout.Seconds, timeout.Nanos));
    }

    [Theory]
    [InlineData("'5'")]
    [InlineData("5 s")]
    [InlineData("1d")]
    [InlineData("5")]
    public void Other_texts_are_no_durations(string text) =>
        Assert.Equal("spec.http[0].timeout", Error("VirtualService", $"{{ hosts: [a], http: [{{ timeout: {text}, {Route} }}] }}").Path);

    [Theory]
    [InlineData("networking.istio.io/v7", "VirtualService")]
    [InlineData("networking.istio.io/v1", "virtualservice")]
    [InlineData("networking.istio.io/v1", "ProxyConfig")]
    [InlineData("v1", "Service")]
    [InlineData("gateway.networking.k8s.io/v1", "HTTPRoute")]
    public void What_is_not_ours_to_judge_passes_unread(string apiVersion, string kind)
    {
        var read = ConfigReader.Read(Given.Resource(apiVersion, kind, "{ anything: [goes] }"), "test.yaml");
        Assert.Null(read.Object);
        Assert.Empty(read.Errors);
    }

    [Fact]
    public void Top_level_fields_are_limited()
    {
        var resource = Given.Resource("networking.istio.io/v1", "Sidecar", "{ egress: [{ hosts: ['*/*'] }] }");
        resource["data"] = 1;
        Assert.Equal("unknown field \"data\"", Assert.Single(ConfigReader.Read(resource, "test.yaml").Errors).Message);
    }

    [Fact]
    public void Unknown_fields_can_be_left_out_with_a_warning()
    {
        var resource = Given.Resource("networking.istio.io/v1", "Sidecar", "{ new: 1, egress: [{ hosts: ['*/*'] }] }");
        var read = ConfigReader.Read(resource, "test.yaml", UnknownFields.Ignore);
        Assert.NotNull(read.Object);
        Assert.Equal("spec.new", Assert.Single(read.Warnings).Path);
    }

    private static ConfigObject Read(string kind, string spec)
    {
        var read = ConfigReader.Read(Given.Resource("networking.istio.io/v1", kind, spec), "test.yaml");
        Assert.Empty(read.Errors);
        return read.Object!;
    }

    private static Lateen.Config.Validation.FieldProblem Error(string kind, string spec) =>
        Assert.Single(ConfigReader.Read(Given.Resource("networking.istio.io/v1", kind, spec), "test.yaml").Errors);
}
