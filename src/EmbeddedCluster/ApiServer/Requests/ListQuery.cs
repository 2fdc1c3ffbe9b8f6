using System.Globalization;
using System.Text;
using System.Text.Json;
using Lateen.EmbeddedCluster.ApiServer.Kinds;
using Lateen.EmbeddedCluster.ApiServer.Selectors;
using Lateen.EmbeddedCluster.Storage;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>What a list or watch asks for. Immutable.</summary>
internal sealed record ListQuery
{
    public LabelSelector Labels { get; init; } = LabelSelector.Everything;
    public FieldSelector Fields { get; init; } = FieldSelector.Everything;
    public long Limit { get; init; }

    /// <summary>Where a list in pages goes on: its revision, and the last object that was handed out.</summary>
    public (long Revision, ListPosition After)? Continue { get; init; }

    /// <summary>resourceVersion as sent, empty when it was not.</summary>
    public string Revision { get; init; } = "";

    public string RevisionMatch { get; init; } = "";
    public bool Bookmarks { get; init; }
    public bool? SendInitialEvents { get; init; }
    public int? TimeoutSeconds { get; init; }

    /// <exception cref="ApiException">A parameter makes no sense.</exception>
    public static ListQuery Read(IQueryCollection query, ServedResource resource, string name)
    {
        var fields = query["fieldSelector"].ToString();
        // A watch of one named object is a watch of the collection that selects its name.
        if (name.Length > 0) fields = fields.Length == 0 ? $"metadata.name={name}" : $"{fields},metadata.name={name}";
        return new ListQuery
        {
            Labels = ReadLabels(query["labelSelector"].ToString()),
            Fields = FieldSelector.Parse(fields, resource),
            Limit = ReadWhole(query, "limit") ?? 0,
            Continue = ReadContinue(query["continue"].ToString()),
            Revision = query["resourceVersion"].ToString(),
            RevisionMatch = query["resourceVersionMatch"].ToString(),
            Bookmarks = Flag(query["allowWatchBookmarks"].ToString()),
            SendInitialEvents = query.ContainsKey("sendInitialEvents") ? Flag(query["sendInitialEvents"].ToString()) : null,
            TimeoutSeconds = (int?)ReadWhole(query, "timeoutSeconds"),
        };
    }

    public bool Selects(StoredObject stored, string namespaceName) =>
        (namespaceName.Length == 0 || stored.Key.Namespace == namespaceName)
        && (Labels.IsEverything || Labels.Matches(stored.Root)) && (Fields.IsEverything || Fields.Matches(stored.Root));

    /// <summary>resourceVersion as a number, null when absent or "0".</summary>
    public long? RevisionNumber()
    {
        if (Revision is "" or "0") return null;
        return long.TryParse(Revision, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiException.BadRequest($"invalid resource version: \"{Revision}\"");
    }

    public static string ContinueToken(long revision, ObjectKey last) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"v\":\"meta.k8s.io/v1\",\"rv\":{revision},\"start\":\"{last.Namespace}/{last.Name}\"}}"));

    public static bool Flag(string text) => text is "true" or "1" or "True" or "t";

    private static LabelSelector ReadLabels(string text)
    {
        try
        {
            return LabelSelector.Parse(text);
        }
        catch (FormatException wrong)
        {
            throw ApiException.BadRequest(wrong.Message);
        }
    }

    private static long? ReadWhole(IQueryCollection query, string name)
    {
        var text = query[name].ToString();
        if (text.Length == 0) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }

    private static (long, ListPosition)? ReadContinue(string token)
    {
        if (token.Length == 0) return null;
        try
        {
            var value = JsonElement.Parse(Convert.FromBase64String(token));
            var start = value.Text("start") ?? "";
            var slash = start.IndexOf('/');
            if (value.Whole("rv") is { } revision && slash >= 0) return (revision, new ListPosition(start[..slash], start[(slash + 1)..]));
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException)
        {
            throw ApiException.BadRequest("continue key is not valid: " + wrong.Message);
        }
        throw ApiException.BadRequest("continue key is not valid");
    }
}
