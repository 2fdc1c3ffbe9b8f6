using System.Text.Json.Nodes;

namespace Lateen.Samples.Httpbin;

/// <summary>Paths that tell the caller what arrived.</summary>
internal static class InspectionEndpoints
{
    private static readonly string[] AnyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    public static void Map(WebApplication app, Echo echo)
    {
        app.MapGet("/", () => Results.Text("httpbin: see /get, /headers, /status/{code}, /delay/{seconds}\n"));
        app.MapGet("/get", (HttpRequest request) => Echo.Json(echo.Summary(request)));
        app.MapMethods("/head", ["HEAD"], () => Results.Ok());
        foreach (var method in new[] { "POST", "PUT", "PATCH", "DELETE" })
            app.MapMethods($"/{method.ToLowerInvariant()}", [method], async (HttpRequest request) => Echo.Json(await echo.WithBodyAsync(request)));
        app.MapMethods("/anything/{**rest}", AnyMethod, async (HttpRequest request) =>
        {
            var body = await echo.WithBodyAsync(request);
            body["method"] = request.Method;
            return Echo.Json(body);
        });
        app.MapGet("/headers", (HttpRequest request) => Echo.Json(new JsonObject { ["headers"] = echo.Headers(request) }));
        app.MapGet("/ip", (HttpRequest request) => Echo.Json(new JsonObject { ["origin"] = Echo.Origin(request) }));
        app.MapGet("/user-agent", (HttpRequest request) => Echo.Json(new JsonObject { ["user-agent"] = request.Headers.UserAgent.ToString() }));
        app.MapGet("/hostname", () => Echo.Json(new JsonObject { ["hostname"] = Environment.MachineName }));
        app.MapGet("/uuid", () => Echo.Json(new JsonObject { ["uuid"] = Guid.NewGuid().ToString() }));
        MapAuthentication(app);
        MapCookies(app);
    }

    private static void MapAuthentication(WebApplication app)
    {
        app.MapGet("/basic-auth/{user}/{password}", (string user, string password, HttpContext http) =>
        {
            var expected = "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}"));
            if (http.Request.Headers.Authorization == expected)
                return Echo.Json(new JsonObject { ["authenticated"] = true, ["user"] = user });
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"Fake Realm\"";
            return Results.StatusCode(401);
        });
        app.MapGet("/bearer", (HttpContext http) =>
        {
            if (http.Request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token])
                return Echo.Json(new JsonObject { ["authenticated"] = true, ["token"] = token });
            http.Response.Headers.WWWAuthenticate = "Bearer";
            return Results.StatusCode(401);
        });
    }

    private static void MapCookies(WebApplication app)
    {
        app.MapGet("/cookies", (HttpRequest request) => Echo.Json(new JsonObject
        {
            ["cookies"] = new JsonObject(request.Cookies.Select(cookie => KeyValuePair.Create(cookie.Key, (JsonNode?)cookie.Value))),
        }));
        app.MapGet("/cookies/set", (HttpContext http) =>
        {
            foreach (var (name, value) in http.Request.Query) http.Response.Cookies.Append(name, value.ToString());
            return Results.Redirect("/cookies");
        });
    }
}
