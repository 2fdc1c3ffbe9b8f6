using Xunit;

namespace Lateen.Config.Tests.Validation;

/// <summary>What users read when their YAML is refused: the field, and why.</summary>
public sealed class FieldPathTests
{
    private const string Today = "networking.istio.io/v1";
    private const string Original = "networking.istio.io/v1alpha3";

    [Fact]
    public void Weights_that_do_not_add_up_are_refused_in_a_resource_of_1_1()
    {
        var error = Given.OnlyError(Original, "VirtualService",
            "{ hosts: [reviews], http: [{ route: [{ destination: { host: reviews }, weight: 20 }, { destination: { host: reviews }, weight: 70 }] }] }");
        Assert.Equal("spec.http[0].route: total destination weight 90 != 100", error.ToString());
    }

    [Fact]
    public void Weights_need_not_total_100_today_but_more_than_nothing()
    {
        Assert.True(Given.Verdict(Given.Resource(Today, "VirtualService",
            "{ hosts: [reviews], http: [{ route: [{ destination: { host: reviews }, weight: 2 }, { destination: { host: reviews }, weight: 7 }] }] }")).IsValid);
        var error = Given.OnlyError(Today, "VirtualService",
            "{ hosts: [reviews], http: [{ route: [{ destination: { host: reviews } }, { destination: { host: reviews } }] }] }");
        Assert.Equal("spec.http[0].route: total destination weight = 0", error.ToString());
    }

    [Fact]
    public void Unknown_fields_are_named_with_their_path()
    {
        var error = Given.OnlyError(Today, "VirtualService", "{ hosts: [reviews], http: [{ foo: 1, route: [{ destination: { host: reviews } }] }] }");
        Assert.Equal("unknown field \"spec.http[0].foo\"", error.ToString());
    }

    [Theory]
    [InlineData(Today)]
    [InlineData(Original)]
    public void A_broken_expression_is_refused(string version)
    {
        var error = Given.OnlyError(version, "VirtualService",
            "{ hosts: [reviews], http: [{ match: [{ uri: { exact: /x } }, { headers: { end-user: { regex: '*jason' } } }], route: [{ destination: { host: reviews } }] }] }");
        Assert.Equal("spec.http[0].match[1].headers[end-user]", error.Path);
        Assert.StartsWith("\"headers\": error parsing regexp: missing argument to repetition operator: `*`", error.Message);
    }

    [Theory]
    [InlineData(Today)]
    [InlineData(Original)]
    public void A_negative_timeout_is_refused(string version)
    {
        var error = Given.OnlyError(version, "VirtualService", "{ hosts: [reviews], http: [{ timeout: -1s, route: [{ destination: { host: reviews } }] }] }");
        Assert.Equal("spec.http[0].timeout: duration must be greater than 1ms", error.ToString());
    }

    [Fact]
    public void Fields_that_ended_with_1_1_are_unknown_to_todays_versions()
    {
        const string Spec = "{ hosts: [reviews], http: [{ appendHeaders: { x: v }, route: [{ destination: { host: reviews } }] }] }";
        Assert.True(Given.Verdict(Given.Resource(Original, "VirtualService", Spec)).IsValid);
        Assert.Equal("unknown field \"spec.http[0].appendHeaders\"", Given.OnlyError(Today, "VirtualService", Spec).ToString());
    }

    [Fact]
    public void Every_problem_of_an_object_is_reported()
    {
        var verdict = Given.Verdict(Given.Resource(Today, "DestinationRule",
            "{ host: reviews, subsets: [{ name: v_1 }, { name: v2, trafficPolicy: { connectionPool: { tcp: { maxConnections: -1 }, http: { idleTimeout: 1us } } } }] }"));
        Assert.Equal(
            [
                "spec.subsets[0].name: subset name is invalid: v_1",
                "spec.subsets[1].trafficPolicy.connectionPool.http.idleTimeout: duration must be greater than 1ms",
                "spec.subsets[1].trafficPolicy.connectionPool.tcp.maxConnections: max connections must be non-negative",
            ],
            verdict.Errors.Select(error => error.ToString()));
    }

    [Fact]
    public void A_resource_of_the_old_version_with_a_new_field_is_judged_by_todays_rules()
    {
        const string Spec = "{ hosts: [reviews], http: [{ name: canary, route: [{ destination: { host: reviews }, weight: 2 }, { destination: { host: reviews }, weight: 7 }] }] }";
        Assert.True(Given.Verdict(Given.Resource(Original, "VirtualService", Spec)).IsValid);
    }

    [Fact]
    public void An_empty_map_is_not_an_absent_one()
    {
        Assert.Equal("spec.portLevelMtls: port level mTLS, if defined, must have at least one element",
            Given.OnlyError("security.istio.io/v1", "PeerAuthentication", "{ selector: { matchLabels: { app: a } }, portLevelMtls: {} }").ToString());
    }
}
