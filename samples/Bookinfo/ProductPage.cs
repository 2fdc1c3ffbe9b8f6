using System.Net;
using System.Text.Json;

namespace Lateen.Samples.Bookinfo;

/// <summary>
/// The product page and its REST API. Reviews are asked for twice with 3 s of patience each, as in Istio's sample, where
/// it is the defect that the fault injection task uncovers.
/// </summary>
internal static class ProductPage
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly Product[] Products =
    [
        new(0, "The Comedy of Errors",
            "<a href=\"https://en.wikipedia.org/wiki/The_Comedy_of_Errors\">The Comedy of Errors</a> is one of <b>William Shakespeare's</b> " +
            "early plays: two pairs of twins, parted at birth, meet in one town, and nobody can tell who is who."),
    ];

    public static void Map(WebApplication app, Backends backends)
    {
        var session = new Session();
        app.MapGet("/health", () => Results.Text("Product page is healthy"));
        app.MapGet("/", () => Html(Page.Index()));
        app.MapGet("/index.html", () => Html(Page.Index()));
        app.MapGet("/productpage", async (HttpContext http) =>
        {
            var user = session.UserOf(http);
            var details = DetailsAsync(backends, http, 0, user);
            var reviews = ReviewsAsync(backends, http, 0, user);
            return Html(Page.Product(Products[0], user, await details, await reviews));
        });
        app.MapPost("/login", async (HttpContext http) =>
        {
            var form = await http.Request.ReadFormAsync();
            session.SignIn(http, form["username"].ToString());
            return Back(http);
        });
        app.MapGet("/logout", (HttpContext http) =>
        {
            session.SignOut(http);
            return Back(http);
        });
        MapApi(app, backends, session);
    }

    private static void MapApi(WebApplication app, Backends backends, Session session)
    {
        app.MapGet("/api/v1/products", () => Products);
        app.MapGet("/api/v1/products/{id:int}", async (int id, HttpContext http) =>
            Json(await DetailsAsync(backends, http, id, session.UserOf(http))));
        app.MapGet("/api/v1/products/{id:int}/reviews", async (int id, HttpContext http) =>
            Json(await ReviewsAsync(backends, http, id, session.UserOf(http))));
        app.MapGet("/api/v1/products/{id:int}/ratings", async (int id, HttpContext http) =>
            Json(await AskAsync(backends, "ratings", $"/ratings/{id}", "ratings", http, session.UserOf(http), attempts: 1)));
    }

    private static Task<Part> DetailsAsync(Backends backends, HttpContext http, int id, string? user) =>
        AskAsync(backends, "details", $"/details/{id}", "details", http, user, attempts: 1);

    private static Task<Part> ReviewsAsync(Backends backends, HttpContext http, int id, string? user) =>
        AskAsync(backends, "reviews", $"/reviews/{id}", "reviews", http, user, attempts: 2);

    private static async Task<Part> AskAsync(
        Backends backends, string service, string path, string what, HttpContext http, string? user, int attempts)
    {
        BackendAnswer? answer = null;
        while (attempts-- > 0 && answer is not { IsOk: true })
            answer = await backends.GetAsync(service, path, http, user, Patience);
        if (answer is { IsOk: true })
        {
            try
            {
                using var parsed = JsonDocument.Parse(answer.Body);
                return new Part(HttpStatusCode.OK, parsed.RootElement.Clone());
            }
            catch (JsonException)
            {
                answer = answer with { Status = HttpStatusCode.BadGateway };
            }
        }
        return new Part(
            answer?.Status ?? HttpStatusCode.InternalServerError,
            JsonSerializer.SerializeToElement(
                new Problem($"Sorry, product {what} are currently unavailable for this book."), BookinfoJson.Default.Problem));
    }

    private static IResult Json(Part part) => Results.Text(part.Body.GetRawText(), "application/json", statusCode: (int)part.Status);

    private static IResult Html(string page) => Results.Text(page, "text/html; charset=utf-8");

    private static IResult Back(HttpContext http) =>
        Results.Redirect(Uri.TryCreate(http.Request.Headers.Referer, UriKind.Absolute, out var from) && from.Authority == http.Request.Host.Value
            ? from.PathAndQuery
            : "/productpage");
}

/// <summary>What one backend contributed to the page: its JSON, or the error that stands in its place.</summary>
internal sealed record Part(HttpStatusCode Status, JsonElement Body)
{
    public bool IsOk => Status == HttpStatusCode.OK;
}
