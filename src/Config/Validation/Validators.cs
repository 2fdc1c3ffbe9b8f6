using System.Collections.Frozen;
using Lateen.Config.Kinds;

namespace Lateen.Config.Validation;

/// <summary>Which validator judges which kind: one line each.</summary>
internal static class Validators
{
    private static readonly FrozenDictionary<ConfigKind, Action<Check>> All = new Dictionary<ConfigKind, Action<Check>>
    {
    }.ToFrozenDictionary();

    public static Action<Check>? Find(ConfigKind kind) => All.GetValueOrDefault(kind);
}
