using Istio.Networking.V1Alpha3;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>Where routes lead, and with which weights.</summary>
internal static class Destinations
{
    public static void Validate(Check check, FieldPath at, Destination? destination)
    {
        if (destination is null) return;
        check.Error(at["host"], destination.Host == "*" && !check.Original
            ? "invalid destination host *"
            : DnsNames.CheckWildcardDomain(destination.Host, check.Original));
        if (destination.Subset.Length > 0) check.Error(at["subset"], CheckSubsetName(destination.Subset));
        if (destination.Port is { } port) ValidatePort(check, at["port"], port);
    }

    public static string? CheckSubsetName(string name)
    {
        if (name.Length == 0) return "subset name cannot be empty";
        return DnsNames.IsLabel(name) ? null : $"subset name is invalid: {name}";
    }

    public static void ValidateWeighted(Check check, FieldPath at, IList<HTTPRouteDestination> routes)
    {
        long total = 0;
        for (var i = 0; i < routes.Count; i++)
        {
            var (route, path) = (routes[i], at[i]);
            if (route.Destination is null) check.Error(path["destination"], "destination is required");
            HeaderOperations.Validate(check, path, route);
            Validate(check, path["destination"], route.Destination);
            CheckWeight(check, path["weight"], route.Weight);
            total += route.Weight;
        }
        CheckTotal(check, at, routes.Count, total);
    }

    public static void ValidateWeighted(Check check, FieldPath at, IList<RouteDestination> routes)
    {
        long total = 0;
        for (var i = 0; i < routes.Count; i++)
        {
            var (route, path) = (routes[i], at[i]);
            if (route.Destination is null) check.Error(path["destination"], "destination is required");
            Validate(check, path["destination"], route.Destination);
            CheckWeight(check, path["weight"], route.Weight);
            total += route.Weight;
        }
        CheckTotal(check, at, routes.Count, total);
    }

    /// <summary>A port by number; 1.1 took names too, and then no number.</summary>
    public static void ValidatePort(Check check, FieldPath at, PortSelector port)
    {
#pragma warning disable CS0612 // The name is a field of 1.1.
        if (port.HasName && (check.Original || port.Number == 0))
        {
            if (check.Original && port.Number == 0) check.Error(at["name"], CheckSubsetName(port.Name));
            else if (!check.Original) check.Error(at["name"], "ports are chosen by number; names ended with Istio 1.1");
            else check.Error(at["number"], Addresses.CheckPort(port.Number));
            return;
        }
#pragma warning restore CS0612
        check.Error(at["number"], Addresses.CheckPort(port.Number));
    }

    private static void CheckWeight(Check check, FieldPath at, int weight)
    {
        if (check.Original) check.Error(at, Values.CheckPercent(weight));
        else if (weight < 0) check.Error(at, $"weight {weight} < 0");
    }

    private static void CheckTotal(Check check, FieldPath at, int count, long total)
    {
        if (count <= 1) return;
        if (check.Original && total != 100) check.Error(at, $"total destination weight {total} != 100");
        else if (!check.Original && total == 0) check.Error(at, "total destination weight = 0");
    }
}
