using Lateen.Config.Kinds;
using Lateen.Config.Reading;

namespace Lateen.Config.Validation;

/// <summary>
/// Judges one object by itself: what Pilot serves, the webhook admits and <c>istioctl validate</c> passes. Every problem is
/// reported, with its field. Relations between objects are the business of others.
/// </summary>
public static class ConfigValidator
{
    // Annotations by which Istio's own components mark what they made; from users they would escalate privileges.
    private static readonly string[] ReservedAnnotations = ["internal.istio.io/parents", "internal.istio.io/parent-namespace"];

    /// <summary>The verdict. Opaque and foreign kinds are always valid.</summary>
    public static ValidationResult Validate(ConfigObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Validate(item, OriginalRules.Apply(item));
    }

    /// <summary>
    /// The verdict on an object that an API server stored: it may have been written, and admitted, in another version than
    /// the one in which it is shown, so the rules of either age suffice.
    /// </summary>
    public static ValidationResult ValidateStored(ConfigObject item)
    {
        var verdict = Validate(item);
        if (verdict.IsValid || OriginalRules.Apply(item) || !OriginalRules.MayApply(item)) return verdict;
        var original = Validate(item, original: true);
        return original.IsValid ? original : verdict;
    }

    private static ValidationResult Validate(ConfigObject item, bool original)
    {
        if (item.Kind.Role != KindRole.Judged || Validators.Find(item.Kind) is not { } validate) return ValidationResult.Clean;
        var check = new Check(item, original);
        CheckMetadata(check);
        if (check.ErrorCount == 0) validate(check);
        return check.Result();
    }

    private static void CheckMetadata(Check check)
    {
        var annotations = FieldPath.Root["metadata"]["annotations"];
        foreach (var (name, value) in check.Object.Annotations)
        {
            if (name == "istio.io/dry-run") CheckDryRun(check, annotations.Key(name), value);
            else if (name == "internal.istio.io/webhook-always-reject") check.Error(annotations.Key(name), $"{GoText.Quote(name)} annotation found, rejecting");
            else if (ReservedAnnotations.Contains(name)) check.Error(annotations.Key(name), $"{GoText.Quote(name)} annotation found, this may not be set by users");
        }
    }

    private static void CheckDryRun(Check check, FieldPath at, string value)
    {
        var who = $"{check.Namespace}/{check.Object.Name}";
        if (check.Object.Spec is not Istio.Security.V1Beta1.AuthorizationPolicy policy)
        {
            check.Error(at, $"{who} has unsupported annotation istio.io/dry-run, please remove the annotation");
            return;
        }
        if (policy.Action is not (Istio.Security.V1Beta1.AuthorizationPolicy.Types.Action.Allow or Istio.Security.V1Beta1.AuthorizationPolicy.Types.Action.Deny))
            check.Error(at, $"the annotation istio.io/dry-run currently only supports action ALLOW/DENY, found action {policy.Action.ToString().ToUpperInvariant()} in {who}");
        else if (value is not ("1" or "t" or "T" or "TRUE" or "true" or "True" or "0" or "f" or "F" or "FALSE" or "false" or "False"))
            check.Error(at, $"{who} has annotation istio.io/dry-run with invalid value ({value})");
    }
}
