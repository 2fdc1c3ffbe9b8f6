using System.Net;
using System.Text;
using System.Text.Json;

namespace Lateen.Samples.Bookinfo;

/// <summary>Renders the pages from the embedded templates; everything that came over the network is escaped.</summary>
internal static class Page
{
    private static readonly string Layout = Resource("layout.html");
    private static readonly string IndexBody = Resource("index.html");
    private static readonly string ProductBody = Resource("product.html");

    public static string Index() => Fill(Layout, ("SIGNIN", ""), ("BODY", IndexBody));

    public static string Product(Product product, string? user, Part details, Part reviews) => Fill(
        Layout,
        ("SIGNIN", SignIn(user)),
        ("BODY", Fill(
            ProductBody,
            ("TITLE", Text(product.Title)),
            ("DESCRIPTION", product.DescriptionHtml),
            ("DETAILS", details.IsOk ? Facts(details.Body) : Sorry("Error fetching product details!", details.Body)),
            ("REVIEWS", reviews.IsOk ? Opinions(reviews.Body) : Sorry("Error fetching product reviews!", reviews.Body)))));

    private static string SignIn(string? user) => string.IsNullOrEmpty(user)
        ? """<form method="post" action="login"><input name="username" placeholder="User name" aria-label="User name"> <input name="passwd" type="password" placeholder="Password" aria-label="Password"> <button>Sign in</button></form>"""
        : $"<span>{Text(user)} (<a href=\"logout\">sign out</a>)</span>";

    private static string Facts(JsonElement details)
    {
        var html = new StringBuilder("<h2>Book Details</h2>\n<dl>\n");
        foreach (var (label, name) in new[]
                 {
                     ("Type", "type"), ("Pages", "pages"), ("Publisher", "publisher"), ("Language", "language"), ("ISBN-10", "ISBN-10"), ("ISBN-13", "ISBN-13"),
                 })
            if (details.TryGetProperty(name, out var value))
                html.Append($"<dt>{label}:</dt><dd>{Text(value.ToString())}</dd>\n");
        return html.Append("</dl>\n").ToString();
    }

    private static string Opinions(JsonElement reviews)
    {
        var html = new StringBuilder("<h2>Book Reviews</h2>\n");
        if (reviews.TryGetProperty("reviews", out var list) && list.ValueKind == JsonValueKind.Array)
            foreach (var review in list.EnumerateArray())
                html.Append($"<blockquote>\n<p>{Text(Field(review, "text"))}</p>\n<small>{Text(Field(review, "reviewer"))}</small>\n{Stars(review)}</blockquote>\n");
        return html.Append($"<p><small>Reviews served by: {Text(Field(reviews, "podname"))}</small></p>\n").ToString();
    }

    private static string Stars(JsonElement review)
    {
        if (!review.TryGetProperty("rating", out var rating) || rating.ValueKind != JsonValueKind.Object) return "";
        if (!rating.TryGetProperty("stars", out var stars) || !stars.TryGetInt32(out var count))
            return $"<p><i>{Text(Field(rating, "error"))}</i></p>\n";
        count = Math.Clamp(count, 0, 5);
        return $"<p><font color=\"{Text(Field(rating, "color"))}\">{Repeat("glyphicon-star", "&#9733;", count)}" +
               $"{Repeat("glyphicon-star-empty", "&#9734;", 5 - count)}</font></p>\n";
    }

    private static string Repeat(string style, string glyph, int count) =>
        string.Concat(Enumerable.Repeat($"<span class=\"glyphicon {style}\">{glyph}</span>", count));

    private static string Sorry(string heading, JsonElement problem) =>
        $"<h2 class=\"error\">{heading}</h2>\n<p>{Text(Field(problem, "error"))}</p>\n";

    private static string Field(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value.ToString() : "";

    private static string Text(string value) => WebUtility.HtmlEncode(value);

    private static string Fill(string template, params (string Name, string Html)[] slots) =>
        slots.Aggregate(template, (page, slot) => page.Replace($"{{{{{slot.Name}}}}}", slot.Html, StringComparison.Ordinal));

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(Page).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
