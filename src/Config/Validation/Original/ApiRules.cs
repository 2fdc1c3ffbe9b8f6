using Istio.Mixer.V1;
using Istio.Mixer.V1.Config.Client;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Original;

/// <summary>1.1's API and quota specifications, and their bindings to services.</summary>
internal static class ApiRules
{
    public static void ValidateApi(Check check)
    {
        var api = check.Object.As<HTTPAPISpec>();
        var spec = FieldPath.Spec;
        if (api.Attributes is not null) CheckAttributes(check, spec["attributes"], api.Attributes);
        if (api.Patterns.Count == 0) check.Error(spec["patterns"], "at least one pattern must be specified");
        for (var i = 0; i < api.Patterns.Count; i++)
        {
            var (pattern, at) = (api.Patterns[i], spec["patterns"][i]);
            // parity: 1.1 judged the attributes of the whole for each pattern, so that they are needed when there is one.
            CheckAttributes(check, spec["attributes"], api.Attributes);
            if (pattern.HttpMethod.Length == 0) check.Error(at["httpMethod"], "http_method cannot be empty");
            if (pattern is { PatternCase: HTTPAPISpecPattern.PatternOneofCase.UriTemplate, UriTemplate.Length: 0 }) check.Error(at["uriTemplate"], "uri_template cannot be empty");
            if (pattern is { PatternCase: HTTPAPISpecPattern.PatternOneofCase.Regex, Regex.Length: 0 }) check.Error(at["regex"], "regex cannot be empty");
        }
        for (var i = 0; i < api.ApiKeys.Count; i++)
        {
            var (key, at) = (api.ApiKeys[i], spec["apiKeys"][i]);
            if (key is { KeyCase: APIKey.KeyOneofCase.Query, Query.Length: 0 }) check.Error(at["query"], "query cannot be empty");
            if (key is { KeyCase: APIKey.KeyOneofCase.Header, Header.Length: 0 }) check.Error(at["header"], "header cannot be empty");
            if (key is { KeyCase: APIKey.KeyOneofCase.Cookie, Cookie.Length: 0 }) check.Error(at["cookie"], "cookie cannot be empty");
        }
    }

    public static void ValidateApiBinding(Check check)
    {
        var binding = check.Object.As<HTTPAPISpecBinding>();
        CheckServices(check, binding.Services);
        if (binding.ApiSpecs.Count == 0) check.Error(FieldPath.Spec["apiSpecs"], "at least one spec must be specified");
        for (var i = 0; i < binding.ApiSpecs.Count; i++) CheckReference(check, FieldPath.Spec["apiSpecs"][i], binding.ApiSpecs[i].Name, binding.ApiSpecs[i].Namespace, "HTTPAPISpecReference");
    }

    public static void ValidateQuota(Check check)
    {
        var quotas = check.Object.As<QuotaSpec>();
        var rules = FieldPath.Spec["rules"];
        if (quotas.Rules.Count == 0) check.Error(rules, "a least one rule must be specified");
        for (var i = 0; i < quotas.Rules.Count; i++)
        {
            var (rule, at) = (quotas.Rules[i], rules[i]);
            for (var j = 0; j < rule.Match.Count; j++)
            {
                foreach (var (name, clause) in rule.Match[j].Clause)
                {
                    var path = at["match"][j]["clause"].Key(name);
                    var isEmpty = clause.Exact.Length + clause.Prefix.Length + clause.Regex.Length == 0;
                    if (isEmpty && clause.MatchTypeCase != StringMatch.MatchTypeOneofCase.None)
                        check.Error(path, $"StringMatch_{clause.MatchTypeCase} for attribute {GoText.Quote(name)} cannot be empty");
                }
            }
            if (rule.Quotas.Count == 0) check.Error(at["quotas"], "a least one quota must be specified");
            for (var j = 0; j < rule.Quotas.Count; j++)
            {
                if (rule.Quotas[j].Quota_.Length == 0) check.Error(at["quotas"][j]["quota"], "quota name cannot be empty");
                if (rule.Quotas[j].Charge <= 0) check.Error(at["quotas"][j]["charge"], "quota charge amount must be positive");
            }
        }
    }

    public static void ValidateQuotaBinding(Check check)
    {
        var binding = check.Object.As<QuotaSpecBinding>();
        CheckServices(check, binding.Services);
        if (binding.QuotaSpecs.Count == 0) check.Error(FieldPath.Spec["quotaSpecs"], "at least one spec must be specified");
        for (var i = 0; i < binding.QuotaSpecs.Count; i++) CheckReference(check, FieldPath.Spec["quotaSpecs"][i], binding.QuotaSpecs[i].Name, binding.QuotaSpecs[i].Namespace, "QuotaSpecReference");
    }

    private static void CheckReference(Check check, FieldPath at, string name, string ns, string what)
    {
        if (name.Length == 0) check.Error(at["name"], $"name is mandatory for {what}");
        if (ns.Length > 0 && !DnsNames.IsLabel(ns)) check.Error(at["namespace"], $"namespace {GoText.Quote(ns)} must be a valid label");
    }

    private static void CheckServices(Check check, IList<IstioService> services)
    {
        var spec = FieldPath.Spec["services"];
        if (services.Count == 0) check.Error(spec, "at least one service must be specified");
        for (var i = 0; i < services.Count; i++)
        {
            var (service, at) = (services[i], spec[i]);
            if (service.Name.Length + service.Service.Length == 0) check.Error(at["name"], "name or service is mandatory for a service reference");
            else if (service.Name.Length > 0 && service.Service.Length > 0) check.Error(at["service"], "specify either name or service, not both");
            else if (service.Service.Length > 0)
            {
                if (service.Namespace.Length > 0) check.Error(at["namespace"], "namespace is not valid when service is provided");
                if (service.Domain.Length > 0) check.Error(at["domain"], "domain is not valid when service is provided");
            }
            else if (!DnsNames.IsLabel(service.Name))
            {
                check.Error(at["name"], $"name {GoText.Quote(service.Name)} must be a valid label");
            }
            if (service.Namespace.Length > 0 && !DnsNames.IsLabel(service.Namespace)) check.Error(at["namespace"], $"namespace {GoText.Quote(service.Namespace)} must be a valid label");
            if (service.Domain.Length > 0) check.Error(at["domain"], DnsNames.CheckFqdn(service.Domain, original: true));
            LabelSyntax.Validate(check, at["labels"], service.Labels);
        }
    }

    private static void CheckAttributes(Check check, FieldPath at, Attributes? attributes)
    {
        if (attributes is null || attributes.Attributes_.Count == 0)
        {
            check.Error(at, "list of attributes is nil/empty");
            return;
        }
        foreach (var (name, value) in attributes.Attributes_)
        {
            var path = at["attributes"].Key(name);
            switch (value.ValueCase)
            {
                case Attributes.Types.AttributeValue.ValueOneofCase.StringValue when value.StringValue.Length == 0:
                    check.Error(path, $"string attribute for {GoText.Quote(name)} should not be empty");
                    break;
                case Attributes.Types.AttributeValue.ValueOneofCase.DurationValue:
                    check.Error(path, Values.CheckDuration(value.DurationValue));
                    break;
                case Attributes.Types.AttributeValue.ValueOneofCase.BytesValue when value.BytesValue.IsEmpty:
                    check.Error(path, $"bytes attribute for {GoText.Quote(name)} should not be ");
                    break;
                case Attributes.Types.AttributeValue.ValueOneofCase.StringMapValue when value.StringMapValue.Entries.Count == 0:
                    check.Error(path, $"stringmap attribute for {GoText.Quote(name)} should not be nil");
                    break;
            }
        }
    }
}
