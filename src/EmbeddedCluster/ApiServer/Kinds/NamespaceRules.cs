using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.ApiServer.Objects;
using Lateen.EmbeddedCluster.ApiServer.Requests;
using Lateen.EmbeddedCluster.Storage;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>Namespaces: held by spec.finalizers until their content is gone.</summary>
internal sealed class NamespaceRules : KindRules
{
    public override NameRule Names => NameRule.Label;

    public override void Default(JsonObject value)
    {
        if (value.Text("metadata", "name") is { } name) value.Ensure("metadata", "labels")["kubernetes.io/metadata.name"] = name;
    }

    public override void PrepareCreate(JsonObject value, RuleContext context, RequestScope scope)
    {
        Default(value);
        value.Ensure("spec")["finalizers"] = new JsonArray("kubernetes");
        value["status"] = new JsonObject { ["phase"] = "Active" };
    }

    public override void PrepareUpdate(JsonObject value, JsonObject old, RuleContext context) =>
        value.Ensure("spec").SetOrRemove("finalizers", old.At("spec", "finalizers")?.DeepClone());

    public override void PrepareDeletion(JsonObject value)
    {
        if (HoldsDeletion(value)) value.Ensure("status")["phase"] = "Terminating";
    }

    public override bool HoldsDeletion(JsonObject value) => value.Texts("spec", "finalizers").Any();
}
