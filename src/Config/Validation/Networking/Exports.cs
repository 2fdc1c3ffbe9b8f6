using Google.Protobuf.Collections;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Which namespaces see an object.</summary>
internal static class Exports
{
    public static void Validate(Check check, FieldPath at, RepeatedField<string> exportTo, bool isServiceEntry = false, bool hasSelector = false)
    {
        if (exportTo.Count == 0) return;
        if (check.Original)
        {
            if (exportTo.Count > 1) check.Error(at, "exportTo should have only one entry (. or *) in the current release");
            else if (exportTo[0] is not ("." or "*")) check.Error(at[0], "only . or * is allowed in the exportTo in the current release");
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < exportTo.Count; i++)
        {
            var entry = exportTo[i];
            var key = entry == "." ? check.Namespace : entry;
            if (seen.Contains(key))
                check.Error(at[i], key != entry ? $"duplicate entries in exportTo: . and current namespace {check.Namespace}" : $"duplicate entries in exportTo for entry {entry}");
            else if (isServiceEntry && entry == "~") seen.Add(key);
            else if (key == "~") check.Error(at[i], "exportTo ~ (none) is not allowed for Istio configuration objects");
            else if (key is not "*" && !DnsNames.IsLabel(key)) check.Error(at[i], "only .,*, or a valid DNS 1123 label is allowed as exportTo entry");
            else seen.Add(key);
        }
        if (hasSelector && seen.Count > 0)
        {
            if (!seen.Contains(check.Namespace)) check.Error(at, "destination rule with workload selector cannot have exportTo beyond current namespace");
            else if (seen.Count > 1) check.Error(at, "destination rule with workload selector cannot have multiple entries in exportTo");
        }
        if (seen.Contains("*") && exportTo.Count > 1) check.Error(at, "cannot have both public (*) and non-public exportTo values for a resource");
        if (seen.Contains("~") && exportTo.Count > 1) check.Error(at, "cannot export service entry to no one (~) and someone");
    }
}
