using System.Net;

namespace Lateen.Integration.Tests;

/// <summary>Bookinfo's product page as a browser gets it, and what its reviews show.</summary>
/// <param name="gateway">URL of the ingress gateway.</param>
/// <param name="reconnects">Every request makes a connection of its own.</param>
internal sealed class Page(string gateway, bool reconnects = false) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        CookieContainer = new CookieContainer(), UseProxy = false, PooledConnectionLifetime = reconnects ? TimeSpan.Zero : Timeout.InfiniteTimeSpan,
    })
    {
        BaseAddress = new Uri(gateway), Timeout = TimeSpan.FromSeconds(20),
    };

    /// <summary>"none", "black", "red", "no ratings", "no reviews", or the status when it is not 200.</summary>
    public async Task<string> ReadAsync(CancellationToken cancel = default)
    {
        using var response = await _http.GetAsync("/productpage", cancel);
        if (response.StatusCode != HttpStatusCode.OK) return $"status {(int)response.StatusCode}";
        var page = await response.Content.ReadAsStringAsync(cancel);
        return page.Contains("product reviews are currently unavailable", StringComparison.Ordinal) ? "no reviews"
            : page.Contains("Ratings service is currently unavailable", StringComparison.Ordinal) ? "no ratings"
            : page.Contains("color=\"red\"", StringComparison.Ordinal) ? "red"
            : page.Contains("color=\"black\"", StringComparison.Ordinal) ? "black"
            : "none";
    }

    /// <summary>How often each kind of page came in so many requests.</summary>
    public async Task<Dictionary<string, int>> CountAsync(int requests)
    {
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < requests; i++)
        {
            var kind = await ReadAsync();
            counts[kind] = counts.GetValueOrDefault(kind) + 1;
        }
        return counts;
    }

    /// <summary>Signs in by the page's form.</summary>
    public async Task SignInAsync(string user)
    {
        using var response = await _http.PostAsync("/login", new FormUrlEncodedContent([KeyValuePair.Create("username", user), KeyValuePair.Create("passwd", "")]));
        response.EnsureSuccessStatusCode();
    }

    public void Dispose() => _http.Dispose();
}
