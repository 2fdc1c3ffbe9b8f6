using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Lateen.EmbeddedCluster.ApiServer.Requests;

/// <summary>The shape in which a client wants objects.</summary>
internal enum ObjectForm
{
    Object,
    Table,
    PartialMetadata,
}

/// <summary>What the Accept header chose. Immutable.</summary>
internal sealed record Representation(ObjectForm Form, string MetaVersion, bool Yaml, bool Discovery = false, string DiscoveryVersion = "")
{
    /// <summary>The media type of the answer when it is neither JSON nor YAML.</summary>
    public string? MediaType { get; init; }

    public static readonly Representation Json = new(ObjectForm.Object, "v1", false);

    /// <summary>The first acceptable media type that this server has: JSON, YAML, tables, partial metadata, aggregated discovery.</summary>
    /// <exception cref="ApiException">None of them (406), as when only protobuf is accepted.</exception>
    public static Representation Choose(StringValues accept)
    {
        var offers = accept.SelectMany(line => (line ?? "").Split(',')).Select(Read).Where(offer => offer.Type.Length > 0).ToArray();
        if (offers.Length == 0) return Json;
        foreach (var (type, parameters, _) in offers.OrderByDescending(offer => offer.Quality))
        {
            var yaml = type is "application/yaml" or "text/yaml" or "application/x-yaml";
            if (!yaml && type is not ("application/json" or "*/*" or "application/*" or "text/html")) continue;
            var form = parameters.GetValueOrDefault("as");
            if (form is null) return new Representation(ObjectForm.Object, "v1", yaml);
            var (group, version) = (parameters.GetValueOrDefault("g"), parameters.GetValueOrDefault("v") ?? "v1");
            if (group == "meta.k8s.io" && version is "v1" or "v1beta1")
            {
                if (form == "Table") return new Representation(ObjectForm.Table, version, yaml);
                if (form is "PartialObjectMetadata" or "PartialObjectMetadataList") return new Representation(ObjectForm.PartialMetadata, version, yaml);
            }
            if (group == "apidiscovery.k8s.io" && version is "v2" or "v2beta1" && form == "APIGroupDiscoveryList")
                return new Representation(ObjectForm.Object, "v1", yaml, true, version);
        }
        throw ApiException.NotAcceptable();
    }

    private static (string Type, Dictionary<string, string> Parameters, double Quality) Read(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries);
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in parts.AsSpan(1))
        {
            var at = part.IndexOf('=');
            if (at > 0) parameters[part[..at].Trim()] = part[(at + 1)..].Trim().Trim('"');
        }
        var quality = parameters.TryGetValue("q", out var q) && double.TryParse(q, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : 1;
        return (parts[0].ToLowerInvariant(), parameters, quality);
    }
}
