using System.Text.Json;
using System.Text.Json.Serialization;
using Lateen.EmbeddedCluster.Processes;

namespace Lateen.EmbeddedCluster.Node.Containers;

/// <summary>What the disk knows of one attempt of a container, so that a restarted runtime can take it over. Immutable.</summary>
internal sealed record ContainerRecord
{
    /// <summary>The container's id, 64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>The container's name in the pod.</summary>
    public required string Name { get; init; }

    /// <summary>The image as the pod names it.</summary>
    public required string Image { get; init; }

    /// <summary>0 for the first start, then one more for every restart.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Identifies the definition that it was started from, so that a changed one is noticed.</summary>
    public string SpecHash { get; init; } = "";

    /// <summary>The first process of the container, in this machine's numbers; null when it never came to life.</summary>
    public ProcessIdentity? Process { get; init; }

    /// <summary>How it ended; null while it runs, and after an end that no runtime has seen yet.</summary>
    public ContainerExit? Exit { get; init; }

    /// <summary>When its postStart hook had run, or null.</summary>
    public bool PostStartDone { get; init; }
}

/// <summary>How a container ended. Immutable.</summary>
/// <param name="Code">Exit code; 128 and the signal's number after a signal.</param>
/// <param name="Reason">Kubernetes' word: Completed, Error, ContainerCannotRun.</param>
/// <param name="Message">A sentence for a person, or empty.</param>
/// <param name="FinishedAt">When.</param>
internal sealed record ContainerExit(int Code, string Reason, string Message, DateTimeOffset FinishedAt);

/// <summary>Reads and writes records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContainerRecord))]
[JsonSerializable(typeof(ContainerPlan))]
[JsonSerializable(typeof(Network.PodAddress))]
internal sealed partial class NodeJson : JsonSerializerContext
{
    /// <summary>Replaces a file whole, so that a kill at any moment leaves the old text or the new.</summary>
    public static void Write<T>(string file, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        File.WriteAllBytes(file + ".new", JsonSerializer.SerializeToUtf8Bytes(value, type));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Reads a file.</summary>
    /// <returns>Null when it is missing or broken.</returns>
    public static T? TryRead<T>(string file, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), type);
        }
        catch (Exception failure) when (failure is IOException or JsonException)
        {
            return null;
        }
    }
}
