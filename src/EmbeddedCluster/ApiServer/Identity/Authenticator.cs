using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Lateen.EmbeddedCluster.ApiServer.Identity;

/// <summary>Finds out who makes a request: client certificate, the administrator's token, or a service account token. Any thread.</summary>
internal sealed class Authenticator(ClusterKeys keys, AccountTokens tokens)
{
    private static readonly UserIdentity Administrator = new("kubernetes-admin", "", ["system:masters", "system:authenticated"]);

    private readonly byte[] _adminToken = Encoding.UTF8.GetBytes(keys.AdminToken);

    /// <summary>The user, null for none.</summary>
    public UserIdentity? Identify(HttpContext http)
    {
        if (http.Connection.ClientCertificate is { } certificate && keys.Issued(certificate)) return FromCertificate(certificate);
        var header = http.Request.Headers.Authorization.ToString();
        return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? FromToken(header[7..].Trim()) : null;
    }

    /// <summary>The user of a bearer token that is meant for the API server, null for none.</summary>
    public UserIdentity? FromToken(string token)
    {
        if (IsAdminToken(token)) return Administrator;
        return tokens.Verify(token, out _) is { } verified && verified.Audiences.Contains(AccountTokens.Issuer) ? verified.User : null;
    }

    public bool IsAdminToken(string token) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), _adminToken);

    public static UserIdentity AdminIdentity => Administrator;

    private static UserIdentity FromCertificate(X509Certificate2 certificate)
    {
        var name = "";
        var groups = new List<string>();
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements) continue;
            if (part.GetSingleElementType().Value == "2.5.4.3") name = part.GetSingleElementValue() ?? "";
            else if (part.GetSingleElementType().Value == "2.5.4.10" && part.GetSingleElementValue() is { } group) groups.Add(group);
        }
        return new UserIdentity(name, "", [.. groups, "system:authenticated"]);
    }
}
