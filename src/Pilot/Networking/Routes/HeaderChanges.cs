using Envoy.Config.Core.V3;
using Google.Protobuf.Collections;
using Istio.Networking.V1Alpha3;
using AppendAction = Envoy.Config.Core.V3.HeaderValueOption.Types.HeaderAppendAction;
using Operations = Istio.Networking.V1Alpha3.Headers.Types.HeaderOperations;

namespace Lateen.Pilot.Networking.Routes;

/// <summary>
/// The header operations of a route or destination (pilot/pkg/networking/core/route/route.go#TranslateHeadersOperations).
/// Setting the request's Host is a rewrite of the authority. Immutable.
/// </summary>
internal sealed class HeaderChanges
{
    public IReadOnlyList<HeaderValueOption> RequestAdd { get; private init; } = [];
    public IReadOnlyList<string> RequestRemove { get; private init; } = [];
    public IReadOnlyList<HeaderValueOption> ResponseAdd { get; private init; } = [];
    public IReadOnlyList<string> ResponseRemove { get; private init; } = [];
    public string Authority { get; private init; } = "";

    public static HeaderChanges Of(HTTPRoute route) => Of(
        route.Headers,
        [.. Additions(route.AppendHeaders, AppendAction.AppendIfExistsOrAdd), .. Additions(route.AppendRequestHeaders, AppendAction.AppendIfExistsOrAdd)],
        route.RemoveRequestHeaders, Additions(route.AppendResponseHeaders, AppendAction.AppendIfExistsOrAdd), route.RemoveResponseHeaders);

    public static HeaderChanges Of(HTTPRouteDestination destination) => Of(
        destination.Headers, Additions(destination.AppendRequestHeaders, AppendAction.AppendIfExistsOrAdd), destination.RemoveRequestHeaders,
        Additions(destination.AppendResponseHeaders, AppendAction.AppendIfExistsOrAdd), destination.RemoveResponseHeaders);

    /// <summary>The fields of today and those of 1.1 together.</summary>
    private static HeaderChanges Of(
        Headers? headers, List<HeaderValueOption> requestAdd, IEnumerable<string> requestRemove, List<HeaderValueOption> responseAdd, IEnumerable<string> responseRemove) => new()
        {
            RequestAdd = [.. Additions(headers?.Request), .. requestAdd],
            RequestRemove = [.. Removals(headers?.Request), .. requestRemove],
            ResponseAdd = [.. Additions(headers?.Response), .. responseAdd],
            ResponseRemove = [.. Removals(headers?.Response), .. responseRemove],
            Authority = AuthorityOf(headers?.Request),
        };

    private static List<HeaderValueOption> Additions(Operations? operations) => operations == null
        ? []
        : [.. Additions(operations.Set, AppendAction.OverwriteIfExistsOrAdd), .. Additions(operations.Add, AppendAction.AppendIfExistsOrAdd)];

    private static List<HeaderValueOption> Additions(MapField<string, string> headers, AppendAction action) =>
        [.. headers.Where(h => !IsInternal(h.Key)).OrderBy(h => h.Key, StringComparer.Ordinal)
            .Select(h => new HeaderValueOption { Header = new() { Key = h.Key, Value = h.Value }, AppendAction = action })];

    private static IEnumerable<string> Removals(Operations? operations) => operations?.Remove.Where(h => !IsInternal(h)) ?? [];

    private static string AuthorityOf(Operations? operations)
    {
        if (operations == null) return "";
        foreach (var headers in new[] { operations.Set, operations.Add })
            foreach (var (name, value) in headers)
                if (IsAuthority(name)) return value;
        return "";
    }

    private static bool IsInternal(string name) => name.StartsWith(':') || name.Equals("host", StringComparison.OrdinalIgnoreCase);

    private static bool IsAuthority(string name) =>
        name.Equals(":authority", StringComparison.OrdinalIgnoreCase) || name.Equals("host", StringComparison.OrdinalIgnoreCase);
}
