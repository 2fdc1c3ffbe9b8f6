using Istio.Security.V1Beta1;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Security;

/// <summary>Attributes that a request must have.</summary>
internal static class Conditions
{
    public static void Validate(Check check, FieldPath at, Condition condition)
    {
        var key = condition.Key;
        if (key.Length == 0)
        {
            check.Error(at["key"], "`key` must not be empty");
            return;
        }
        if (condition.Values.Count + condition.NotValues.Count == 0)
        {
            check.Error(at, $"at least one of `values` or `notValues` must be set for key {key}");
            return;
        }
        if (Attribute(key, condition.Values) is { } values) check.Error(at["values"], $"invalid `value` for `key` {key}: {values}");
        if (Attribute(key, condition.NotValues) is { } notValues) check.Error(at["notValues"], $"invalid `notValue` for `key` {key}: {notValues}");
    }

    private static string? Attribute(string key, IList<string> values)
    {
        if (PolicyValues.CheckNotEmpty(key, values) is { } empty) return empty;
        if (Starts("request.headers") || Starts("request.auth.claims") || Starts("experimental.envoy.filters."))
            return key.IndexOf('[', StringComparison.Ordinal) is > 0 and var open && key.EndsWith(']') && open < key.Length - 2 ? null : $"bad key ({key}): should have format a[b]";
        switch (key)
        {
            case "source.ip" or "remote.ip" or "destination.ip":
                foreach (var value in values)
                    if (value.Contains('/', StringComparison.Ordinal) ? !Addresses.IsPrefix(value) : !Addresses.IsIp(value))
                        return value.Contains('/', StringComparison.Ordinal) ? $"bad CIDR range ({value})" : $"bad IP address ({value})";
                return null;
            case "destination.port":
                return values.FirstOrDefault(value => !PolicyValues.IsPort(value)) is { } bad ? $"bad port ({bad})" : null;
            case "source.serviceAccount":
                return PolicyValues.CheckServiceAccounts(key, values);
            case "source.trustDomain":
                return PolicyValues.CheckWildcards(key, values);
            case "source.namespace" or "source.principal" or "request.auth.principal" or "request.auth.audiences" or "request.auth.presenter" or "connection.sni":
                return null;
            case "destination.namespace":
                return $"attribute {key} is replaced by the metadata.namespace";
            case "destination.name" or "destination.user":
                return $"deprecated attribute {key}: only supported in v1alpha1";
            default:
                return Starts("destination.labels") ? $"attribute {key} is replaced by the workload selector" : $"unknown attribute: {key}";
        }

        bool Starts(string prefix) => key.StartsWith(prefix, StringComparison.Ordinal);
    }
}
