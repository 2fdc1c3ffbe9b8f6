using System.Security.Cryptography;
using System.Text;

namespace Lateen.Samples.Bookinfo;

/// <summary>
/// The page's sign-in: a cookie that names the user, signed so that another cannot be made up. The key lives as long as
/// SESSION_KEY says, else as long as the process.
/// </summary>
internal sealed class Session
{
    private const string CookieName = "session";
    private readonly byte[] _key = Environment.GetEnvironmentVariable("SESSION_KEY") is { Length: > 0 } given
        ? SHA256.HashData(Encoding.UTF8.GetBytes(given))
        : RandomNumberGenerator.GetBytes(32);

    /// <summary>The signed-in user, or null.</summary>
    public string? UserOf(HttpContext http)
    {
        if (!http.Request.Cookies.TryGetValue(CookieName, out var cookie) || cookie.Split('.') is not [var name, var signature]) return null;
        try
        {
            var user = Convert.FromHexString(name);
            return CryptographicOperations.FixedTimeEquals(Convert.FromHexString(signature), HMACSHA256.HashData(_key, user))
                ? Encoding.UTF8.GetString(user)
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public void SignIn(HttpContext http, string user)
    {
        var name = Encoding.UTF8.GetBytes(user);
        http.Response.Cookies.Append(
            CookieName,
            $"{Convert.ToHexString(name)}.{Convert.ToHexString(HMACSHA256.HashData(_key, name))}",
            new CookieOptions { HttpOnly = true, Path = "/" });
    }

    public void SignOut(HttpContext http) => http.Response.Cookies.Delete(CookieName);
}
