using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Schemas;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>What the rules of a kind may look at and use beside the object itself.</summary>
/// <param name="Store">The cluster's objects.</param>
/// <param name="Addresses">Service addresses and node ports.</param>
/// <param name="Clock">The time.</param>
internal sealed record RuleContext(ObjectStore Store, ServiceAddresses Addresses, TimeProvider Clock);

/// <summary>
/// What is particular about a kind: defaults, what the server fills in, what it refuses. All objects are in the stored version.
/// Immutable, any thread.
/// </summary>
internal class KindRules
{
    public static readonly KindRules None = new();

    /// <summary>The rule for metadata.name.</summary>
    public virtual NameRule Names => NameRule.Subdomain;

    /// <summary>Fills in defaults, as decoding does: before admission and again after it.</summary>
    public virtual void Default(JsonObject value)
    {
    }

    /// <summary>Changes a new object after mutating admission, before validation.</summary>
    public virtual void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope)
    {
    }

    /// <summary>Changes an updated object after mutating admission: restores what an update may not touch.</summary>
    public virtual void PrepareUpdate(JsonObject value, JsonObject old, RuleContext context)
    {
    }

    /// <summary>Changes an object whose status subresource is written; spec and metadata are restored already.</summary>
    public virtual void PrepareStatus(JsonObject value, JsonObject old)
    {
    }

    /// <summary>Refuses a bad object, new or updated.</summary>
    public virtual void Validate(JsonObject value, FieldProblems problems)
    {
    }

    /// <summary>Refuses a bad change.</summary>
    public virtual void ValidateUpdate(JsonObject value, JsonObject old, FieldProblems problems)
    {
    }

    /// <summary>Gives back what <see cref="PrepareCreate"/> or <see cref="PrepareUpdate"/> took when the write did not happen.</summary>
    public virtual void Abandon(JsonObject value, JsonObject? old, RuleContext context)
    {
    }

    /// <summary>Called after a write: gives back what the old state held and the new one, null for a removal, does not.</summary>
    public virtual void Settle(JsonObject? value, JsonObject old, RuleContext context)
    {
    }

    /// <summary>Changes an object whose deletion begins.</summary>
    public virtual void PrepareDeletion(JsonObject value)
    {
    }

    /// <summary>Something of the kind's own keeps the object alive after its deletion began.</summary>
    public virtual bool HoldsDeletion(JsonObject value) => false;

    /// <summary>The grace period of a deletion in seconds, null where objects of the kind go at once.</summary>
    public virtual long? GracePeriod(JsonObject value, long? asked) => null;
}

/// <summary>Rules for names.</summary>
internal enum NameRule
{
    /// <summary>RFC 1123 subdomain.</summary>
    Subdomain,

    /// <summary>RFC 1123 label.</summary>
    Label,

    /// <summary>RFC 1035 label: services.</summary>
    Label1035,

    /// <summary>Anything that can be one segment of a path: RBAC.</summary>
    PathSegment,
}
