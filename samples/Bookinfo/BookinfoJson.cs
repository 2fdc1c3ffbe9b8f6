using System.Text.Json.Serialization;

namespace Lateen.Samples.Bookinfo;

internal sealed record HealthStatus(string Status);

internal sealed record Problem(string Error);

internal sealed record Product(int Id, string Title, string DescriptionHtml);

internal sealed record ProductRatings(int Id, Dictionary<string, int> Ratings);

internal sealed record ProductReviews(string Id, string Podname, string Clustername, Review[] Reviews);

internal sealed record Review(string Reviewer, string Text, ReviewRating? Rating);

/// <summary>Either stars with their colour, or the error that took their place.</summary>
internal sealed record ReviewRating(int? Stars, string? Color, string? Error);

internal sealed record BookDetails(
    int Id, string Author, int Year, string Type, int Pages, string Publisher, string Language,
    [property: JsonPropertyName("ISBN-10")] string Isbn10,
    [property: JsonPropertyName("ISBN-13")] string Isbn13);

/// <summary>The JSON that the four services exchange: Istio's names, nulls left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(Product[]))]
[JsonSerializable(typeof(ProductRatings))]
[JsonSerializable(typeof(ProductReviews))]
[JsonSerializable(typeof(BookDetails))]
[JsonSerializable(typeof(Dictionary<string, int>))]
internal sealed partial class BookinfoJson : JsonSerializerContext;
