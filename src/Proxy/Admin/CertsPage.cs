using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Xds;

namespace Lateen.Proxy.Admin;

/// <summary>The certificates in use, as Envoy's /certs shows them (envoy.admin.v3.Certificates). Runs on the thread pool.</summary>
internal static class CertsPage
{
    public static string Write(ResourceDump resources)
    {
        var contexts = resources.Serving.SelectMany(listener => listener.Chains.Append(listener.Default)).Select(chain => chain?.Tls)
            .Concat(resources.States.SelectMany(cluster => cluster.Snapshot.Transports.Contexts)).Select(state => state?.Made).OfType<TlsContext>();
        var (list, seen) = (new JsonArray(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var context in contexts)
        {
            var trusted = context.Validation is { Trusted.Length: > 0 } validation ? Trusted(validation) : [];
            // Hundreds of clusters share one pair of secrets: each is shown once.
            if (!seen.Add(string.Join('|', context.Certificates.Concat(trusted).Select(certificate => certificate.Sha256)))) continue;
            list.Add((JsonNode)new JsonObject
            {
                ["ca_cert"] = Describe(trusted, context.Validation?.Source ?? ""),
                ["cert_chain"] = Describe(context.Certificates, "<inline>"),
            });
        }
        return new JsonObject { ["certificates"] = list }.ToJsonString(AdminPages.Indented);
    }

    private static JsonArray Describe(IEnumerable<CertificateFacts> certificates, string path)
    {
        var list = new JsonArray();
        foreach (var certificate in certificates)
        {
            var names = new JsonArray();
            foreach (var uri in certificate.UriNames) names.Add((JsonNode)new JsonObject { ["uri"] = uri });
            foreach (var dns in certificate.DnsNames) names.Add((JsonNode)new JsonObject { ["dns"] = dns });
            foreach (var address in certificate.AddressNames) names.Add((JsonNode)new JsonObject { ["ip_address"] = address });
            list.Add((JsonNode)new JsonObject
            {
                ["path"] = path,
                ["serial_number"] = certificate.Serial,
                ["subject_alt_names"] = names,
                ["days_until_expiration"] = Math.Max(0, (long)(certificate.ValidTo - DateTime.UtcNow).TotalDays).ToString(CultureInfo.InvariantCulture),
                ["valid_from"] = certificate.ValidFrom.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                ["expiration_time"] = certificate.ValidTo.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            });
        }
        return list;
    }

    private static List<CertificateFacts> Trusted(PeerValidation validation)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(Encoding.UTF8.GetString(validation.Trusted));
        }
        catch (CryptographicException)
        {
            // libssl could read it: what .NET cannot read is left out of the page.
        }
        var facts = certificates.Select(certificate => new CertificateFacts(certificate.RawData)).ToList();
        foreach (var certificate in certificates) certificate.Dispose();
        return facts;
    }
}
