using System.Net;

namespace Lateen.Samples.Bookinfo;

/// <summary>Calls the other Bookinfo services, with the headers of the request being served.</summary>
internal sealed class Backends(BookinfoOptions options)
{
    private readonly HttpClient _client = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>
    /// GET of a path of a service. Null when it could not be reached or did not answer within <paramref name="patience"/>.
    /// </summary>
    public async Task<BackendAnswer?> GetAsync(string service, string path, HttpContext serving, string? user, TimeSpan patience)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.AddressOf(service), path));
        ForwardedHeaders.Copy(serving.Request.Headers, request);
        if (!string.IsNullOrEmpty(user))
        {
            request.Headers.Remove(ForwardedHeaders.EndUser);
            request.Headers.TryAddWithoutValidation(ForwardedHeaders.EndUser, user);
        }
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(serving.RequestAborted);
        deadline.CancelAfter(patience);
        try
        {
            using var response = await _client.SendAsync(request, deadline.Token);
            return new BackendAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(deadline.Token));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            serving.RequestAborted.ThrowIfCancellationRequested();
            return null;
        }
    }
}

/// <summary>Status and body of one answer.</summary>
internal sealed record BackendAnswer(HttpStatusCode Status, string Body)
{
    public bool IsOk => Status == HttpStatusCode.OK;
}
