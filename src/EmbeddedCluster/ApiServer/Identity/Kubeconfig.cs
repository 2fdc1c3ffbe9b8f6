using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.EmbeddedCluster.ApiServer.Identity;

/// <summary>Writes the file by which kubectl and the mesh's components find the cluster as its administrator.</summary>
internal static class Kubeconfig
{
    public static string Text(ClusterKeys keys, string server)
    {
        string Encoded(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        return $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: lateen
              cluster:
                server: {server}
                certificate-authority-data: {Encoded(keys.AuthorityPem)}
            users:
            - name: lateen-admin
              user:
                token: {keys.AdminToken}
                client-certificate-data: {Encoded(keys.Admin.ExportCertificatePem())}
                client-key-data: {Encoded(keys.Admin.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem())}
            contexts:
            - name: lateen
              context:
                cluster: lateen
                user: lateen-admin
            current-context: lateen

            """;
    }

    /// <summary>Writes the file whole or not at all, readable by its owner only.</summary>
    public static void Write(string path, string text)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        var draft = path + ".new";
        using (var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        })) file.Write(Encoding.UTF8.GetBytes(text));
        File.Move(draft, path, overwrite: true);
    }
}
