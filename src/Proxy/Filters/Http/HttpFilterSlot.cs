namespace Lateen.Proxy.Filters.Http;

/// <summary>A filter's place in a chain. Immutable.</summary>
/// <param name="Name">Key of what routes say to it.</param>
/// <param name="Filter">What runs there.</param>
/// <param name="Disabled">Runs only for routes that say so.</param>
internal sealed record HttpFilterSlot(string Name, IHttpFilter Filter, bool Disabled);
