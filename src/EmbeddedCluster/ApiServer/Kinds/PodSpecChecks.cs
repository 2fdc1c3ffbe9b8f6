using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>What a pod spec must obey beyond its types.</summary>
internal static class PodSpecChecks
{
    public static void Validate(JsonObject spec, string path, FieldProblems problems)
    {
        if (!spec.Items("containers").Any()) problems.Required($"{path}.containers");
        var volumes = CheckVolumes(spec, path, problems);
        var names = new HashSet<string>();
        foreach (var list in (string[])["initContainers", "containers"])
        {
            var at = 0;
            foreach (var container in spec.Items(list)) CheckContainer(container, $"{path}.{list}[{at++}]", names, volumes, problems);
        }
        if (spec.Whole("terminationGracePeriodSeconds") is < 0 and var grace)
            problems.Invalid($"{path}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0");
        if (spec.Text("serviceAccountName") is { Length: > 0 } account && ObjectNames.Subdomain(account) is { } wrong)
            problems.Invalid($"{path}.serviceAccountName", account, wrong);
        if (spec.Text("hostname") is { Length: > 0 } host && ObjectNames.Label(host) is { } badHost) problems.Invalid($"{path}.hostname", host, badHost);
        ObjectNames.CheckLabels(spec.Child("nodeSelector"), $"{path}.nodeSelector", problems);
    }

    private static HashSet<string> CheckVolumes(JsonObject spec, string path, FieldProblems problems)
    {
        var names = new HashSet<string>();
        var at = 0;
        foreach (var volume in spec.Items("volumes"))
        {
            var here = $"{path}.volumes[{at++}]";
            if (volume.Text("name") is not { Length: > 0 } name) continue;
            if (ObjectNames.Label(name) is { } wrong) problems.Invalid($"{here}.name", name, wrong);
            if (!names.Add(name)) problems.Duplicate($"{here}.name", name);
            if (volume.Count > 2)
                problems.Forbidden($"{here}.{volume.Select(pair => pair.Key).Where(key => key != "name").Skip(1).First()}", "may not specify more than 1 volume type");
        }
        return names;
    }

    private static void CheckContainer(JsonObject container, string path, HashSet<string> names, HashSet<string> volumes, FieldProblems problems)
    {
        if (container.Text("name") is { Length: > 0 } name)
        {
            if (ObjectNames.Label(name) is { } wrong) problems.Invalid($"{path}.name", name, wrong);
            if (!names.Add(name)) problems.Duplicate($"{path}.name", name);
        }
        if (string.IsNullOrEmpty(container.Text("image"))) problems.Required($"{path}.image");
        else if (container.Text("image") is { } image && image != image.Trim()) problems.Invalid($"{path}.image", image, "must not have leading or trailing whitespace");
        CheckPorts(container, path, problems);
        var at = 0;
        foreach (var variable in container.Items("env"))
        {
            var here = $"{path}.env[{at++}]";
            if (variable.Text("name") is { Length: > 0 } key && key.Contains('='))
                problems.Invalid($"{here}.name", key, "a valid environment variable name must consist only of printable ASCII characters other than '='");
            if (variable["valueFrom"] is not null && !string.IsNullOrEmpty(variable.Text("value")))
                problems.Invalid($"{here}.valueFrom", "", "may not be specified when `value` is not empty");
        }
        at = 0;
        var places = new HashSet<string>();
        foreach (var mount in container.Items("volumeMounts"))
        {
            var here = $"{path}.volumeMounts[{at++}]";
            if (mount.Text("name") is { Length: > 0 } volume && !volumes.Contains(volume)) problems.NotFound($"{here}.name", volume);
            if (mount.Text("mountPath") is { Length: > 0 } place && !places.Add(place)) problems.Invalid($"{here}.mountPath", place, "must be unique");
        }
        foreach (var probe in (string[])["livenessProbe", "readinessProbe", "startupProbe"]) CheckProbe(container.Child(probe), $"{path}.{probe}", probe, problems);
        foreach (var part in (string[])["requests", "limits"])
            foreach (var (resource, amount) in container.Child("resources", part) ?? [])
                if (amount.Text() is { } text && Quantity.TryParse(text, out var value) && value < 0)
                    problems.Invalid($"{path}.resources.{part}[{resource}]", text, "must be greater than or equal to 0");
    }

    private static void CheckPorts(JsonObject container, string path, FieldProblems problems)
    {
        var names = new HashSet<string>();
        var at = 0;
        foreach (var port in container.Items("ports"))
        {
            var here = $"{path}.ports[{at++}]";
            if (port.Text("name") is { Length: > 0 } name)
            {
                if (PortName(name) is { } wrong) problems.Invalid($"{here}.name", name, wrong);
                else if (!names.Add(name)) problems.Duplicate($"{here}.name", name);
            }
            CheckPort(port["containerPort"], $"{here}.containerPort", problems);
            CheckPort(port["hostPort"], $"{here}.hostPort", problems);
        }
    }

    private static void CheckProbe(JsonObject? probe, string path, string kind, FieldProblems problems)
    {
        if (probe is null) return;
        var handlers = ((string[])["exec", "httpGet", "tcpSocket", "grpc"]).Count(probe.ContainsKey);
        if (handlers == 0) problems.Required(path, "must specify a handler type");
        if (handlers > 1) problems.Forbidden(path, "may not specify more than 1 handler type");
        foreach (var name in (string[])["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"])
            if (probe.Whole(name) is < 0 and var number) problems.Invalid($"{path}.{name}", number, "must be greater than or equal to 0");
        if (kind != "readinessProbe" && probe.Whole("successThreshold") is { } threshold && threshold != 1)
            problems.Invalid($"{path}.successThreshold", threshold, "must be 1");
        foreach (var name in (string[])["httpGet", "tcpSocket"])
            if (probe.Child(name) is { } action) CheckPort(action["port"], $"{path}.{name}.port", problems);
    }

    /// <summary>Checks a port number, or a port's name.</summary>
    public static void CheckPort(JsonNode? port, string path, FieldProblems problems)
    {
        if (port.Whole() is { } number && number is < 1 or > 65535) problems.Invalid(path, number, "must be between 1 and 65535, inclusive");
        else if (port.Text() is { } name && PortName(name) is { } wrong) problems.Invalid(path, name, wrong);
    }

    /// <summary>What is wrong with a port's name (IANA service name).</summary>
    public static string? PortName(string name)
    {
        if (name.Length > 15) return "must be no more than 15 characters";
        if (name.Length == 0 || name.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-'))
            return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        if (!name.Any(char.IsAsciiLetter)) return "must contain at least one letter (a-z)";
        if (name.Contains("--", StringComparison.Ordinal)) return "must not contain consecutive hyphens";
        return name[0] == '-' || name[^1] == '-' ? "must not begin or end with a hyphen" : null;
    }
}
