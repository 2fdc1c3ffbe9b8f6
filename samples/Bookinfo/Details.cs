namespace Lateen.Samples.Bookinfo;

/// <summary>The details service: facts about one book.</summary>
internal static class Details
{
    public static void Map(WebApplication app)
    {
        app.MapGet("/health", () => new HealthStatus("Details is healthy"));
        app.MapGet("/details/{id}", (string id) => int.TryParse(id, out var number)
            ? Results.Ok(new BookDetails(
                number, "William Shakespeare", 1595, "paperback", 200, "PublisherA", "English", "1234567890", "123-1234567890"))
            : Results.BadRequest(new Problem("please provide numeric product id")));
    }
}
