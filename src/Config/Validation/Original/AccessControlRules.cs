using Istio.Rbac.V1Alpha1;
using Lateen.Config.Reading;

namespace Lateen.Config.Validation.Original;

/// <summary>1.1's roles, bindings and the switch that turns them on.</summary>
internal static class AccessControlRules
{
    public static void ValidateRole(Check check)
    {
        var role = check.Object.As<ServiceRole>();
        var at = FieldPath.Spec["rules"];
        if (role.Rules.Count == 0) check.Error(at, "at least 1 rule must be specified");
        for (var i = 0; i < role.Rules.Count; i++) ValidateAccess(check, at[i], i, role.Rules[i]);
    }

    public static void ValidateBinding(Check check)
    {
        var binding = check.Object.As<ServiceRoleBinding>();
        var at = FieldPath.Spec["subjects"];
        if (binding.Subjects.Count == 0) check.Error(at, "at least 1 subject must be specified");
        for (var i = 0; i < binding.Subjects.Count; i++) ValidateSubject(check, at[i], i, binding.Subjects[i]);
        var role = FieldPath.Spec["roleRef"];
        if (binding.RoleRef is not { } reference)
        {
            check.Error(role, "roleRef must be specified");
            return;
        }
        if (reference.Kind != "ServiceRole") check.Error(role["kind"], $"kind set to {GoText.Quote(reference.Kind)}, currently the only supported value is \"ServiceRole\"");
        if (reference.Name.Length == 0) check.Error(role["name"], "name cannot be empty");
    }

    public static void ValidateConfig(Check check)
    {
        var config = check.Object.As<RbacConfig>();
        if (check.Object.Name != "default")
        {
            check.Error(FieldPath.Root["metadata"]["name"], $"{check.Object.Kind.Kind} has invalid name({check.Object.Name}), name must be \"default\"");
            return;
        }
        if (config.Mode == RbacConfig.Types.Mode.OnWithInclusion && config.Inclusion is null)
            check.Error(FieldPath.Spec["inclusion"], "inclusion cannot be null (use 'inclusion: {}' for none)");
        if (config.Mode == RbacConfig.Types.Mode.OnWithExclusion && config.Exclusion is null)
            check.Error(FieldPath.Spec["exclusion"], "exclusion cannot be null (use 'exclusion: {}' for none)");
    }

    private static void ValidateAccess(Check check, FieldPath at, int index, AccessRule rule)
    {
        if (rule.Services.Count == 0) check.Error(at["services"], $"at least 1 service must be specified for rule {index}");
        for (var j = 0; j < rule.Constraints.Count; j++)
        {
            var (constraint, path) = (rule.Constraints[j], at["constraints"][j]);
            if (constraint.Key.Length == 0) check.Error(path["key"], $"key cannot be empty for constraint {j} in rule {index}");
            if (constraint.Values.Count == 0) check.Error(path["values"], $"at least 1 value must be specified for constraint {j} in rule {index}");
        }
    }

    private static void ValidateSubject(Check check, FieldPath at, int index, Subject subject)
    {
#pragma warning disable CS0612 // Deprecated in 1.1 already.
        var fields = subject.User.Length + subject.Group.Length + subject.Properties.Count + subject.Namespaces.Count + subject.NotNamespaces.Count
            + subject.Groups.Count + subject.NotGroups.Count + subject.Ips.Count + subject.NotIps.Count + subject.Names.Count + subject.NotNames.Count;
#pragma warning restore CS0612
        if (fields == 0) check.Error(at, $"at least 1 of user, group or properties must be specified for subject {index}");
    }
}
