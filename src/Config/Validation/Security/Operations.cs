using Istio.Security.V1Beta1;

namespace Lateen.Config.Validation.Security;

/// <summary>What is asked for.</summary>
internal static class Operations
{
    /// <summary>True when the operation says something that holds for TCP too.</summary>
    public static bool Validate(Check check, FieldPath at, int index, Operation operation)
    {
        var ports = operation.Ports.Count + operation.NotPorts.Count;
        if (ports + operation.Methods.Count + operation.NotMethods.Count + operation.Paths.Count + operation.NotPaths.Count
            + operation.Hosts.Count + operation.NotHosts.Count == 0)
            check.Error(at, $"`to.operation` must not be empty, found at rule {index}");
        PolicyValues.CheckPorts(check, at["ports"], operation.Ports);
        PolicyValues.CheckPorts(check, at["notPorts"], operation.NotPorts);
        check.Error(at["methods"], PolicyValues.CheckNotEmpty("Methods", operation.Methods));
        check.Error(at["notMethods"], PolicyValues.CheckNotEmpty("NotMethods", operation.NotMethods));
        check.Error(at["hosts"], PolicyValues.CheckNotEmpty("Hosts", operation.Hosts));
        check.Error(at["notHosts"], PolicyValues.CheckNotEmpty("NotHosts", operation.NotHosts));
        check.Error(at["paths"], PolicyValues.CheckNotEmpty("Paths", operation.Paths) ?? PolicyValues.CheckPathTemplates("Paths", operation.Paths));
        check.Error(at["notPaths"], PolicyValues.CheckNotEmpty("NotPaths", operation.NotPaths) ?? PolicyValues.CheckPathTemplates("NotPaths", operation.NotPaths));
        return ports > 0;
    }
}
