using Google.Protobuf.Collections;
using Istio.Networking.V1Alpha3;
using Lateen.Config.Reading;
using Lateen.Config.Validation.Primitives;

namespace Lateen.Config.Validation.Networking;

/// <summary>What routes do to headers, in today's form and in 1.1's older one.</summary>
internal static class HeaderOperations
{
#pragma warning disable CS0612 // The append… and remove… fields are 1.1's.
    public static void Validate(Check check, FieldPath at, HTTPRoute route)
    {
        Names(check, at["appendHeaders"], route.AppendHeaders);
        Names(check, at["appendRequestHeaders"], route.AppendRequestHeaders);
        Names(check, at["removeRequestHeaders"], route.RemoveRequestHeaders);
        Names(check, at["appendResponseHeaders"], route.AppendResponseHeaders);
        Names(check, at["removeResponseHeaders"], route.RemoveResponseHeaders);
        Validate(check, at["headers"], route.Headers);
    }

    public static void Validate(Check check, FieldPath at, HTTPRouteDestination route)
    {
        Names(check, at["appendRequestHeaders"], route.AppendRequestHeaders);
        Names(check, at["removeRequestHeaders"], route.RemoveRequestHeaders);
        Names(check, at["appendResponseHeaders"], route.AppendResponseHeaders);
        Names(check, at["removeResponseHeaders"], route.RemoveResponseHeaders);
        Validate(check, at["headers"], route.Headers);
    }
#pragma warning restore CS0612

    /// <summary>The authority may be written in one place only.</summary>
    public static void ValidateAuthority(Check check, FieldPath at, HTTPRoute route)
    {
        var current = route.Rewrite?.Authority ?? "";
        var request = at["headers"]["request"];
        if (route.Headers?.Request is not { } operations) return;
        foreach (var (path, entries) in new[] { (request["set"], operations.Set), (request["add"], operations.Add) })
        {
            foreach (var (name, value) in entries)
            {
                if (!HeaderSyntax.IsAuthority(name)) continue;
                if (current.Length > 0)
                {
                    check.Error(path.Key(name), $"authority header cannot be set multiple times: have {GoText.Quote(current)}, attempting to set {GoText.Quote(value)}");
                    return;
                }
                current = value;
            }
        }
    }

    private static void Validate(Check check, FieldPath at, Headers? headers)
    {
        if (headers?.Request is { } request)
        {
            Entries(check, at["request"]["add"], request.Add, isRequest: true);
            Entries(check, at["request"]["set"], request.Set, isRequest: true);
            Removed(check, at["request"]["remove"], request.Remove);
        }
        if (headers?.Response is { } response)
        {
            Entries(check, at["response"]["add"], response.Add, isRequest: false);
            Entries(check, at["response"]["set"], response.Set, isRequest: false);
            Removed(check, at["response"]["remove"], response.Remove);
        }
    }

    private static void Entries(Check check, FieldPath at, MapField<string, string> entries, bool isRequest)
    {
        if (check.Original)
        {
            Names(check, at, entries);
            return;
        }
        foreach (var (name, value) in entries)
        {
            check.Error(at.Key(name), isRequest ? HeaderSyntax.CheckRequestOperation(name) : HeaderSyntax.CheckOperation(name));
            check.Error(at.Key(name), HeaderSyntax.CheckValue(value));
        }
    }

    private static void Removed(Check check, FieldPath at, IList<string> names)
    {
        if (check.Original) Names(check, at, names);
        else
            for (var i = 0; i < names.Count; i++) check.Error(at[i], HeaderSyntax.CheckOperation(names[i]));
    }

    private static void Names(Check check, FieldPath at, MapField<string, string> entries)
    {
        if (entries.ContainsKey("")) check.Error(at, "header name cannot be empty");
    }

    private static void Names(Check check, FieldPath at, IList<string> names)
    {
        for (var i = 0; i < names.Count; i++)
            if (names[i].Length == 0)
                check.Error(at[i], "header name cannot be empty");
    }
}
