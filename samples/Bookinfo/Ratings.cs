using System.Collections.Concurrent;

namespace Lateen.Samples.Bookinfo;

/// <summary>The ratings service: stars by reviewer, kept in memory; a POST replaces those of one product.</summary>
internal static class Ratings
{
    public static void Map(WebApplication app)
    {
        var posted = new ConcurrentDictionary<int, Dictionary<string, int>>();
        app.MapGet("/health", () => new HealthStatus("Ratings is healthy"));
        app.MapGet("/ratings/{id}", (string id) => int.TryParse(id, out var number)
            ? Results.Ok(new ProductRatings(number, posted.TryGetValue(number, out var own) ? own : Initial()))
            : NotNumeric());
        app.MapPost("/ratings/{id}", (string id, Dictionary<string, int> ratings) =>
        {
            if (!int.TryParse(id, out var number)) return NotNumeric();
            posted[number] = ratings;
            return Results.Ok(new ProductRatings(number, ratings));
        });
    }

    private static Dictionary<string, int> Initial() => new() { ["Reviewer1"] = 5, ["Reviewer2"] = 4 };

    private static IResult NotNumeric() => Results.BadRequest(new Problem("please provide numeric product ID"));
}
