using Lateen.Foundation.Snapshots;

namespace Lateen.EmbeddedCluster.ApiServer.Kinds;

/// <summary>What is served now. Any thread; the catalogue is replaced whole.</summary>
internal sealed class ResourceRegistry
{
    private readonly Published<ResourceCatalog> _catalog = new(new ResourceCatalog(BuiltInKinds.All));

    /// <summary>The catalogue of this moment.</summary>
    public ResourceCatalog Current => _catalog.Current;

    /// <summary>Replaces the custom kinds.</summary>
    public void SetCustom(IEnumerable<ServedResource> custom) => _catalog.Publish(new ResourceCatalog([.. BuiltInKinds.All, .. custom]));
}
