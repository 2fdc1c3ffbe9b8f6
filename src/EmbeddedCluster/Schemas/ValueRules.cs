using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lateen.EmbeddedCluster.Schemas.Expressions;

namespace Lateen.EmbeddedCluster.Schemas;

/// <summary>
/// The value checks of one node of a custom resource's schema. Below anyOf, oneOf, allOf and not the tree goes on without a
/// structure of its own. Immutable.
/// </summary>
internal sealed record ValueRules
{
    public string? Type { get; init; }
    public bool Nullable { get; init; }
    public bool IntOrString { get; init; }
    public JsonNode[]? Enum { get; init; }
    public string? PatternText { get; init; }
    public Regex? Pattern { get; init; }
    public string? Format { get; init; }
    public long? MinLength { get; init; }
    public long? MaxLength { get; init; }
    public double? Minimum { get; init; }
    public bool ExclusiveMinimum { get; init; }
    public double? Maximum { get; init; }
    public bool ExclusiveMaximum { get; init; }
    public double? MultipleOf { get; init; }
    public long? MinItems { get; init; }
    public long? MaxItems { get; init; }
    public bool UniqueItems { get; init; }
    public long? MinProperties { get; init; }
    public long? MaxProperties { get; init; }
    public string[] Required { get; init; } = [];
    public ValueRules[] AllOf { get; init; } = [];
    public ValueRules[] AnyOf { get; init; } = [];
    public ValueRules[] OneOf { get; init; } = [];
    public ValueRules? Not { get; init; }
    public CompiledRule[] Expressions { get; init; } = [];
    public Dictionary<string, ValueRules>? Properties { get; init; }
    public ValueRules? Items { get; init; }
    public ValueRules? AdditionalProperties { get; init; }
}
