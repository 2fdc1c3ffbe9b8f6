using System.Text;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Lateen.Proxy.Stats;
using Lateen.Proxy.Xds;
using Lateen.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lateen.Proxy.Tests.Situations;

/// <summary>
/// What of Envoy's API is supported: everything that istiod 1.30.3 sent in the recorded situations is given to our proxy, and every field
/// that the proxy does not look at is refused, or is listed with the reason why it need not be looked at. LATEEN_REFRESH=1 writes the
/// list of the refused fields and the page anew.
/// </summary>
public sealed class SupportTests
{
    /// <summary>Extensions that the proxy has not, by name: what uses them is refused, and nothing else is.</summary>
    private static readonly string[] Absent = ["mongo_proxy", "Lua", "TypedStruct"];

    private static readonly Lazy<ReadFields> Reads = new(() => new ReadFields());
    private static readonly Lazy<(List<string> Refusals, SentFields Sent)> Tried = new(Try);

    [Fact]
    public void Only_extensions_that_are_not_there_are_refused() =>
        Assert.Equal("", string.Join('\n', Tried.Value.Refusals.Where(refusal => !Absent.Any(name => refusal.Contains(name, StringComparison.Ordinal)))));

    [Fact]
    public void A_field_that_nobody_looks_at_is_refused()
    {
        var lines = new StringBuilder("# Fields that the proxy does not look at and therefore refuses: each message, then its fields. Written by SupportTests with LATEEN_REFRESH=1.\n");
        foreach (var message in Reads.Value.Messages())
        {
            var unread = message.Fields.InDeclarationOrder().Where(field => !Reads.Value.Reads(field) && !WithoutEffect().ContainsKey(field.FullName)).ToArray();
            if (unread.Length > 0) lines.Append(message.FullName).Append('\n').AppendJoin("", unread.Select(field => $"  {field.Name}\n"));
        }
        IsFresh(Rules("UnreadFields.txt"), lines.ToString());
    }

    [Fact]
    public void What_is_said_to_have_no_effect_has_none()
    {
        foreach (var (name, reason) in WithoutEffect())
        {
            var message = Reads.Value.Messages().FirstOrDefault(message => message.FullName == name[..name.LastIndexOf('.')]);
            Assert.True(message?.FindFieldByName(name[(name.LastIndexOf('.') + 1)..]) is { } field && !Reads.Value.Reads(field), $"{name} is no field, or is looked at");
            Assert.True(reason.Length > 10, $"{name} has no reason");
        }
    }

    [Fact]
    public void The_page_says_what_is_so() => IsFresh(Path.Combine(RepositoryRoot(), "docs", "reference", "envoy-support.md"), Page(Tried.Value.Sent));

    private static void IsFresh(string file, string expected)
    {
        if (Environment.GetEnvironmentVariable("LATEEN_REFRESH") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, expected);
        }
        Assert.Equal(expected, File.Exists(file) ? File.ReadAllText(file) : "");
    }

    private static string Rules(string name) => Path.Combine(RepositoryRoot(), "src", "Proxy", "Compile", "Rules", name);

    /// <summary>The reason by the full name of the field.</summary>
    private static Dictionary<string, string> WithoutEffect()
    {
        var (reasons, message) = (new Dictionary<string, string>(StringComparer.Ordinal), "");
        foreach (var line in File.ReadAllLines(Rules("FieldsWithoutEffect.txt")).Where(line => line.Length > 0 && line[0] != '#'))
            if (line[0] != ' ') message = line;
            else reasons[$"{message}.{line.Trim().Split(' ')[0]}"] = line.Trim()[line.Trim().IndexOf(' ')..].Trim();
        return reasons;
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Lateen.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the test does not run inside the repository");
    }

    private static (List<string>, SentFields) Try()
    {
        var (refusals, sent) = (new List<string>(), new SentFields());
        foreach (var name in Recorded.All())
        {
            var dump = Recorded.Load(name);
            var discovered = (dump["clusters"]?.AsArray() ?? []).Where(cluster => (string?)cluster!["type"] == "EDS").Select(cluster => (string?)cluster!["eds_cluster_config"]?["service_name"] ?? (string)cluster!["name"]!).ToHashSet(StringComparer.Ordinal);
            var context = new ProxyContext(new StatsStore(1), NullLoggerFactory.Instance);
            var state = new ResourceState(context, _ => { });
            foreach (var (list, apply) in new (string, Func<ResourceUpdate, IReadOnlyList<Refusal>>)[] { ("clusters", state.ApplyClusters), ("endpoints", state.ApplyEndpoints), ("listeners", state.ApplyListeners), ("routes", state.ApplyRoutes) })
            {
                // The recordings list the endpoints of static clusters too, as Envoy fills them in: nobody sent those.
                var resources = (dump[list]?.AsArray() ?? []).Where(resource => list != "endpoints" || discovered.Contains((string?)resource!["cluster_name"] ?? "")).Select(SentFields.Read).ToArray();
                var refused = apply(new ResourceUpdate([.. resources.Select((resource, i) => new ReceivedResource($"{i}", "1", Any.Pack(resource)))], [], true));
                refusals.AddRange(refused.Select(refusal => $"{name}: {refusal.Problem}"));
                for (var i = 0; i < resources.Length; i++) sent.Note(resources[i], !refused.Any(refusal => refusal.Name == $"{i}"));
            }
        }
        return (refusals, sent);
    }

    private static string Page(SentFields sent)
    {
        var (reasons, used) = (WithoutEffect(), new SortedDictionary<string, string>(StringComparer.Ordinal));
        var page = new StringBuilder("""
            # Envoy's API: what istiod sends, and what the proxy does with it

            Every message and field of the v3 API that Istio 1.30.3's control plane sent in 57 recorded situations. Supported: the proxy does
            what the field says. Refused: a resource with it is refused by name, with the field's path, and the version before it stays in use.
            Without effect: the proxy takes it and need not look at it; the reasons stand below the table. Of all other fields of these
            messages the same holds: one that the proxy does not look at is refused (`src/Proxy/Compile/Rules/UnreadFields.txt`).

            `SupportTests` compares this page with the proxy's code; `LATEEN_REFRESH=1` writes it anew.

            | message | supported | refused | without effect |
            | --- | --- | --- | --- |

            """);
        foreach (var (message, fields) in sent.Fields)
        {
            var (supported, refused, idle) = (new List<string>(), new List<string>(), new List<string>());
            foreach (var (field, isAccepted) in fields)
            {
                var isIdle = reasons.TryGetValue(field.FullName, out var reason);
                (isIdle ? idle : isAccepted ? supported : refused).Add(field.Name);
                if (isIdle) used[field.FullName] = reason!;
            }
            page.Append("| ").Append(message).Append(" | ").AppendJoin(", ", supported).Append(" | ").AppendJoin(", ", refused).Append(" | ").AppendJoin(", ", idle).Append(" |\n");
        }
        page.Append("\n## Without effect\n\n");
        foreach (var (field, reason) in used) page.Append("- `").Append(field).Append("`: ").Append(reason).Append('\n');
        return page.ToString();
    }
}
