using System.Text.Json;

namespace Lateen.Samples.Bookinfo;

/// <summary>
/// The reviews service. v1 shows no stars, v2 black ones and v3 red ones. As in Istio's sample, v2 waits 10 s for the
/// ratings and v3 2.5 s: the fault injection tasks live on that difference.
/// </summary>
internal static class Reviews
{
    public static void Map(WebApplication app, Backends backends, string version)
    {
        var color = version switch { "v2" => "black", "v3" => "red", _ => null };
        var patience = color == "black" ? TimeSpan.FromSeconds(10) : TimeSpan.FromSeconds(2.5);
        var pod = Environment.GetEnvironmentVariable("HOSTNAME") ?? Environment.MachineName;
        var cluster = Environment.GetEnvironmentVariable("CLUSTER_NAME") ?? "null";

        app.MapGet("/health", () => new HealthStatus("Reviews is healthy"));
        app.MapGet("/reviews/{id}", async (string id, HttpContext http) =>
        {
            if (!int.TryParse(id, out _)) return Results.BadRequest(new Problem("please provide numeric product ID"));
            Func<string, ReviewRating?> rating = _ => null;
            if (color is not null)
                rating = RatingsFrom(await backends.GetAsync("ratings", $"/ratings/{id}", http, user: null, patience), color);
            return Results.Ok(new ProductReviews(id, pod, cluster,
            [
                new("Reviewer1", "A comedy that carries you from the first scene to the last. Quick wit on every page.", rating("Reviewer1")),
                new("Reviewer2", "Great fun to read aloud, though it lacks the depth of the author's later plays.", rating("Reviewer2")),
            ]));
        });
    }

    private static Func<string, ReviewRating?> RatingsFrom(BackendAnswer? answer, string color)
    {
        if (answer is { IsOk: true })
        {
            try
            {
                var stars = JsonSerializer.Deserialize(answer.Body, BookinfoJson.Default.ProductRatings)!.Ratings;
                return reviewer => stars.TryGetValue(reviewer, out var count) ? new ReviewRating(count, color, null) : null;
            }
            catch (JsonException)
            {
                // Something other than the ratings service answered: shown like an absent one.
            }
        }
        return _ => new ReviewRating(null, null, "Ratings service is currently unavailable");
    }
}
