using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>Kinds whose names may be any segment of a path.</summary>
internal sealed class AccessRules : KindRules
{
    private const string Group = "rbac.authorization.k8s.io";

    public override NameRule Names => NameRule.PathSegment;

    public override void Default(JsonObject value)
    {
        value.Child("roleRef")?.SetDefault("apiGroup", Group);
        foreach (var subject in value.Items("subjects"))
            if (subject.Text("kind") is "User" or "Group") subject.SetDefault("apiGroup", Group);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        if (!JsonNode.DeepEquals(value["roleRef"], old["roleRef"])) problems.Invalid("roleRef", value["roleRef"]?.DeepClone(), "cannot change roleRef");
    }
}

/// <summary>Config maps and secrets: named pieces of data, which may be frozen.</summary>
internal sealed partial class DataRules(bool secret) : KindRules
{
    public override void Default(JsonObject value)
    {
        if (!secret) return;
        value.SetDefault("type", "Opaque");
        if (value["stringData"] is not JsonObject plain) return;
        var data = value.Ensure("data");
        foreach (var (key, text) in plain) data[key] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text.Text() ?? ""));
        value.Remove("stringData");
    }

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        var size = 0;
        foreach (var part in (string[])["data", "binaryData"])
            foreach (var (key, text) in value.Child(part) ?? [])
            {
                if (key.Length > 253) problems.Invalid($"{part}[{key}]", key, "must be no more than 253 characters");
                else if (!KeyPattern().IsMatch(key) || key is "." or "..")
                    problems.Invalid($"{part}[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
                size += text.Text()?.Length ?? 0;
            }
        if (size > 1 << (secret ? 21 : 20)) problems.TooLong("data", 1 << 20);
        if (secret) CheckType(value, problems);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        if (secret && value.Text("type") != old.Text("type")) problems.Invalid("type", value.Text("type"), "field is immutable");
        if (!old.Flag("immutable")) return;
        if (!value.Flag("immutable")) problems.Forbidden("immutable", "field is immutable when `immutable` is set");
        foreach (var part in (string[])["data", "binaryData"])
            if (!JsonNode.DeepEquals(value[part], old[part])) problems.Forbidden(part, "field is immutable when `immutable` is set");
    }

    private static void CheckType(JsonObject value, FieldProblems problems)
    {
        string[] needed = value.Text("type") switch
        {
            "kubernetes.io/tls" => ["tls.crt", "tls.key"],
            "kubernetes.io/dockerconfigjson" => [".dockerconfigjson"],
            "kubernetes.io/dockercfg" => [".dockercfg"],
            "kubernetes.io/ssh-auth" => ["ssh-privatekey"],
            _ => [],
        };
        foreach (var key in needed)
            if (value.At("data", key) is null) problems.Required($"data[{key}]");
        if (value.Text("type") == "kubernetes.io/service-account-token" && string.IsNullOrEmpty(value.Text("metadata", "annotations", "kubernetes.io/service-account.name")))
            problems.Required("metadata.annotations[kubernetes.io/service-account.name]");
    }

    [GeneratedRegex(@"^[-._a-zA-Z0-9]+\z")]
    private static partial Regex KeyPattern();
}

/// <summary>Endpoints and endpoint slices.</summary>
internal sealed class EndpointRules(bool slices) : KindRules
{
    public override void Default(JsonObject value)
    {
        foreach (var port in slices ? value.Items("ports") : value.Items("subsets").SelectMany(subset => subset.Items("ports")))
        {
            port.SetDefault("protocol", "TCP");
            if (slices) port.SetDefault("name", "");
        }
    }

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        if (slices)
        {
            var at = 0;
            foreach (var endpoint in value.Items("endpoints"))
            {
                CheckAddresses(endpoint.Texts("addresses"), $"endpoints[{at}].addresses", value.Text("addressType") == "FQDN", problems);
                if (!endpoint.Texts("addresses").Any()) problems.Required($"endpoints[{at}].addresses", "must contain at least 1 address");
                at++;
            }
            return;
        }
        var subset = 0;
        foreach (var part in value.Items("subsets"))
        {
            foreach (var list in (string[])["addresses", "notReadyAddresses"])
                CheckAddresses(part.Items(list).Select(address => address.Text("ip") ?? ""), $"subsets[{subset}].{list}", false, problems);
            var at = 0;
            foreach (var port in part.Items("ports")) PodSpecChecks.CheckPort(port["port"], $"subsets[{subset}].ports[{at++}].port", problems);
            subset++;
        }
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
        if (slices && value.Text("addressType") != old.Text("addressType")) problems.Invalid("addressType", value.Text("addressType"), "field is immutable");
    }

    private void CheckAddresses(IEnumerable<string> addresses, string path, bool names, FieldProblems problems)
    {
        var at = 0;
        foreach (var address in addresses)
        {
            var here = slices ? $"{path}[{at}]" : $"{path}[{at}].ip";
            at++;
            if (names ? ObjectNames.Subdomain(address) is not null : !System.Net.IPAddress.TryParse(address, out _))
                problems.Invalid(here, address, names ? "must be a DNS name" : "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
    }
}

/// <summary>Cron jobs: stored, and run by whoever wants to.</summary>
internal sealed class CronJobRules : KindRules
{
    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        spec.SetDefault("concurrencyPolicy", "Allow");
        spec.SetDefault("suspend", false);
        spec.SetDefault("successfulJobsHistoryLimit", 3L);
        spec.SetDefault("failedJobsHistoryLimit", 1L);
        PodDefaults.Template(spec.Child("jobTemplate", "spec", "template"));
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) => value["status"] = new JsonObject();
}

/// <summary>Webhook configurations.</summary>
internal sealed class WebhookRules(bool mutating) : KindRules
{
    public override void Default(JsonObject value)
    {
        foreach (var hook in value.Items("webhooks"))
        {
            hook.SetDefault("failurePolicy", "Fail");
            hook.SetDefault("matchPolicy", "Equivalent");
            hook.SetDefault("timeoutSeconds", 10L);
            hook.SetDefault("namespaceSelector", new JsonObject());
            hook.SetDefault("objectSelector", new JsonObject());
            if (mutating) hook.SetDefault("reinvocationPolicy", "Never");
            foreach (var rule in hook.Items("rules")) rule.SetDefault("scope", "*");
            hook.Child("clientConfig", "service")?.SetDefault("port", 443L);
        }
    }

    public override void Validate(JsonObject value, FieldProblems problems)
    {
        var names = new HashSet<string>();
        var at = 0;
        foreach (var hook in value.Items("webhooks"))
        {
            var path = $"webhooks[{at++}]";
            var name = hook.Text("name") ?? "";
            if (name.Split('.').Length < 3) problems.Invalid($"{path}.name", name, "should be a domain with at least three segments separated by dots");
            if (!names.Add(name)) problems.Duplicate($"{path}.name", name);
            var (url, service) = (hook.At("clientConfig", "url"), hook.At("clientConfig", "service"));
            if (url is null == (service is null)) problems.Required($"{path}.clientConfig", "exactly one of url or service is required");
            if (hook.Whole("timeoutSeconds") is < 1 or > 30) problems.Invalid($"{path}.timeoutSeconds", hook["timeoutSeconds"]!.DeepClone(), "the timeout value must be between 1 and 30 seconds");
        }
    }
}

/// <summary>Ingresses.</summary>
internal sealed class IngressRules : KindRules
{
    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope) =>
        value["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
}
