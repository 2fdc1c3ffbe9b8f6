using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Lateen.EmbeddedCluster.Node.Pods;

/// <summary>The facts of a pod that its containers may ask for: the downward API. Immutable.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="PodAddress">Its address.</param>
/// <param name="NodeName">Name of the node.</param>
/// <param name="NodeAddress">Address of the node.</param>
/// <param name="Capacity">What the node has.</param>
internal sealed record PodFields(PodDefinition Pod, string PodAddress, string NodeName, string NodeAddress, NodeCapacity Capacity)
{
    /// <summary>The value of a fieldRef.</summary>
    /// <returns>Null when the path names no field.</returns>
    public string? Field(string path) => path switch
    {
        "metadata.name" => Pod.Name,
        "metadata.namespace" => Pod.Namespace,
        "metadata.uid" => Pod.Uid,
        "metadata.labels" => Lines("labels"),
        "metadata.annotations" => Lines("annotations"),
        "spec.nodeName" => NodeName,
        "spec.serviceAccountName" => Pod.Spec.TextOf("serviceAccountName") is { Length: > 0 } name ? name : "default",
        "status.podIP" or "status.podIPs" => PodAddress,
        "status.hostIP" or "status.hostIPs" => NodeAddress,
        _ when path.StartsWith("metadata.labels['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) =>
            Pod.Metadata.MapOf("labels").GetValueOrDefault(path[17..^2], ""),
        _ when path.StartsWith("metadata.annotations['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) =>
            Pod.Metadata.MapOf("annotations").GetValueOrDefault(path[22..^2], ""),
        _ => null,
    };

    /// <summary>The value of a resourceFieldRef: a whole number of the divisor, rounded up.</summary>
    /// <returns>Null when it names no container or resource.</returns>
    public string? Resource(JsonObject reference, ContainerDefinition? container)
    {
        if (reference.TextOf("containerName") is { Length: > 0 } name) container = Pod.Containers.FirstOrDefault(other => other.Name == name);
        if (container is null || reference.TextOf("resource").Split('.', 2) is not [var group, var resource]) return null;
        // Without a limit the whole node is meant; without a request, nothing.
        var text = container.Json.ObjectOf("resources").ObjectOf(group).TextOf(resource);
        var amount = text.Length > 0 ? ResourceQuantity.Parse(text)
            : group == "limits" ? resource switch { "cpu" => Capacity.Processors, "memory" => Capacity.MemoryBytes, _ => 0 }
            : 0;
        var divisor = reference.TextOf("divisor") is { Length: > 0 } given && ResourceQuantity.Parse(given) is > 0 and var parsed ? parsed : 1;
        return Math.Ceiling(amount / divisor).ToString("0", CultureInfo.InvariantCulture);
    }

    // The form of files and variables that hold a whole map: one line a key, the value quoted as Go does.
    private string Lines(string map)
    {
        var lines = Pod.Metadata.MapOf(map).OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}={Quote(entry.Value)}");
        return string.Join('\n', lines);
    }

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var letter in text)
            quoted.Append(letter switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' or '\x7f' => $"\\x{(int)letter:x2}",
                _ => letter.ToString(),
            });
        return quoted.Append('"').ToString();
    }
}

/// <summary>What the node has to give. Immutable.</summary>
/// <param name="Processors">Number of processors.</param>
/// <param name="MemoryBytes">Memory in bytes.</param>
internal sealed record NodeCapacity(double Processors, double MemoryBytes)
{
    /// <summary>Asks the machine.</summary>
    public static NodeCapacity Read() => new(Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
}

/// <summary>Reads amounts such as 500m, 1Gi or 2e3 (resource.Quantity of apimachinery).</summary>
internal static class ResourceQuantity
{
    private static readonly Dictionary<string, double> Suffixes = new()
    {
        ["n"] = 1e-9, ["u"] = 1e-6, ["m"] = 1e-3, [""] = 1, ["k"] = 1e3, ["M"] = 1e6, ["G"] = 1e9, ["T"] = 1e12, ["P"] = 1e15, ["E"] = 1e18,
        ["Ki"] = 1024, ["Mi"] = 1024.0 * 1024, ["Gi"] = 1024.0 * 1024 * 1024, ["Ti"] = Math.Pow(1024, 4), ["Pi"] = Math.Pow(1024, 5), ["Ei"] = Math.Pow(1024, 6),
    };

    /// <summary>The amount, or 0 when the text is none.</summary>
    public static double Parse(string text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var plain)) return plain;
        var digits = text.TrimEnd("numkMGTPEi".ToCharArray());
        return Suffixes.TryGetValue(text[digits.Length..], out var factor) && double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number * factor
            : 0;
    }
}
