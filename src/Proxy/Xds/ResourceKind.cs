using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Compile.Rules;

namespace Lateen.Proxy.Xds;

/// <summary>One resource as it came; the name is empty where only the resource itself says it.</summary>
internal readonly record struct ReceivedResource(string Name, string Version, Any Body);

/// <summary>What came for one type, from a stream or from a file. Immutable.</summary>
/// <param name="Resources">New or changed.</param>
/// <param name="Removed">Names that are gone, in a delta.</param>
/// <param name="IsWhole">What is not in it is gone, for types that are asked for as a whole.</param>
/// <param name="File">The file that it was read from; null for the stream.</param>
internal sealed record ResourceUpdate(IReadOnlyList<ReceivedResource> Resources, IReadOnlyList<string> Removed, bool IsWhole, string? File = null)
{
    /// <summary>State of the world: all resources under one version.</summary>
    public static ResourceUpdate Of(IEnumerable<Any> resources, string version, string? file = null) =>
        new([.. resources.Select(resource => new ReceivedResource("", version, resource))], [], true, file);
}

/// <summary>A resource that was refused, by the name that it was sent under.</summary>
internal readonly record struct Refusal(string Name, string Problem);

/// <summary>One type of resource: what of it is wanted, and what is done with what comes.</summary>
/// <param name="TypeUrl">The type.</param>
/// <param name="Names">Names to ask the stream for; null for all that there are.</param>
/// <param name="Apply">Takes what came; what was refused. The rest is in use then.</param>
internal sealed record ResourceKind(string TypeUrl, Func<IReadOnlyList<string>>? Names, Func<ResourceUpdate, IReadOnlyList<Refusal>> Apply);

/// <summary>Goes through an update so that one bad resource harms no other.</summary>
internal static class ResourceUpdates
{
    /// <summary>Applies each resource; the names of all, refused ones too, and what was refused.</summary>
    public static (HashSet<string> Names, List<Refusal> Refused) ForEach<T>(ResourceUpdate update, Func<T, string> nameOf, Action<T, string> apply)
        where T : class, IMessage<T>, new()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var refused = new List<Refusal>();
        foreach (var (sentName, version, body) in update.Resources)
        {
            T message;
            try
            {
                message = body.Read<T>();
            }
            catch (InvalidProtocolBufferException e)
            {
                refused.Add(new Refusal(sentName, $"{body.TypeUrl}: {e.Message}"));
                continue;
            }
            // A refused update must not take away what was there: the name counts as present either way.
            var name = nameOf(message);
            names.Add(name);
            try
            {
                FieldRules.Check(message);
                apply(message, version);
            }
            catch (ConfigRefusedException e)
            {
                refused.Add(new Refusal(sentName.Length > 0 ? sentName : name, $"{name}: {e.Message}"));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Numbers out of range and the like: still one resource's fault, and no reason to drop the others with the stream.
                refused.Add(new Refusal(sentName.Length > 0 ? sentName : name, $"{name}: {e.Message}"));
            }
        }
        return (names, refused);
    }
}
