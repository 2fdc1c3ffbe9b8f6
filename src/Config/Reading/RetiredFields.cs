using System.Collections.Frozen;
using Google.Protobuf.Reflection;

namespace Lateen.Config.Reading;

/// <summary>Fields that Istio 1.1 had and today's has not: versions later than v1alpha3 do not know them.</summary>
/// <remarks>differs: <c>websocketUpgrade</c> is not among them. It never did anything, and Istio itself still ships it.</remarks>
internal static class RetiredFields
{
    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.Ordinal,
        "HTTPRoute.append_headers", "HTTPRoute.append_request_headers", "HTTPRoute.append_response_headers",
        "HTTPRoute.remove_request_headers", "HTTPRoute.remove_response_headers",
        "HTTPRouteDestination.append_request_headers", "HTTPRouteDestination.append_response_headers",
        "HTTPRouteDestination.remove_request_headers", "HTTPRouteDestination.remove_response_headers",
        "TLSMatchAttributes.source_subnet", "Abort.percent", "PortSelector.name");

    public static bool Has(FieldDescriptor field) =>
        field.ContainingType.File.Package == "istio.networking.v1alpha3" && Names.Contains($"{field.ContainingType.Name}.{field.Name}");
}
