using Lateen.Foundation.Snapshots;

namespace Lateen.EmbeddedCluster.Dns;

/// <summary>Answers queries: the cluster's names itself, others from upstream. Any thread.</summary>
internal sealed class DnsResolver(Published<DnsZoneSnapshot> zone, DnsUpstream upstream)
{
    private const int MaxAliases = 8;

    // A query that comes before the services are known waits a little: "no such name" would be a lie that clients remember.
    private static readonly TimeSpan PatienceForZone = TimeSpan.FromSeconds(4);

    /// <summary>Answers one message.</summary>
    /// <param name="query">The message, without TCP's length.</param>
    /// <param name="overTcp">Whether the answer may have any size.</param>
    /// <param name="cancel">The server is stopping.</param>
    /// <returns>Null for a message that deserves no answer.</returns>
    public async Task<byte[]?> AnswerAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancel)
    {
        var outcome = DnsQuestion.TryRead(query.Span, out var question);
        if (outcome is null) return null;
        if (question is null) return DnsAnswer.WriteRefusal(query.Span, outcome.Value);
        var limit = overTcp ? ushort.MaxValue : question.MaxUdpBytes;
        var names = await WaitForZoneAsync(cancel);
        if (names is null) return DnsAnswer.Write(question, DnsResponseCode.ServerFailure, [], null, limit);
        if (!names.Owns(question.Name))
            return await upstream.ForwardAsync(query, overTcp, cancel) ?? DnsAnswer.Write(question, DnsResponseCode.NameError, [], names.Authority, limit);
        var found = names.Find(question.Name);
        if (found is null) return DnsAnswer.Write(question, DnsResponseCode.NameError, [], names.Authority, limit);
        var answers = Shuffle(FollowAliases(names, found, question.Type));
        return DnsAnswer.Write(question, DnsResponseCode.NoError, answers, answers.Count == 0 ? names.Authority : null, limit);
    }

    private static List<DnsRecord> FollowAliases(DnsZoneSnapshot names, IReadOnlyList<DnsRecord> found, DnsType type)
    {
        var answers = new List<DnsRecord>();
        for (var hops = 0; hops < MaxAliases; hops++)
        {
            answers.AddRange(found.Where(record => record.Type == type || type == DnsType.Any));
            if (type == DnsType.Cname || found.FirstOrDefault(record => record.Type == DnsType.Cname) is not { } alias) break;
            if (type != DnsType.Any) answers.Add(alias);
            if (names.Find(TargetOf(alias)) is not { } next) break; // outside the cluster: the client asks for it itself
            found = next;
        }
        return answers;
    }

    private static string TargetOf(DnsRecord alias)
    {
        var labels = new List<string>();
        for (var position = 0; alias.Content[position] != 0; position += alias.Content[position] + 1)
            labels.Add(System.Text.Encoding.Latin1.GetString(alias.Content, position + 1, alias.Content[position]));
        return string.Join('.', labels);
    }

    // Clients take the first address: headless services spread their load by the order.
    private static List<DnsRecord> Shuffle(List<DnsRecord> records)
    {
        if (records.Count > 1 && records.All(record => record.Type is DnsType.A or DnsType.Srv))
            Random.Shared.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(records));
        return records;
    }

    private async Task<DnsZoneSnapshot?> WaitForZoneAsync(CancellationToken cancel)
    {
        if (Known() is { } known) return known;
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = zone.Subscribe(_ => arrived.TrySetResult());
        if (Known() is null) await Task.WhenAny(arrived.Task, Task.Delay(PatienceForZone, cancel));
        return Known();
    }

    private DnsZoneSnapshot? Known() => zone.Current is var current && ReferenceEquals(current, DnsZoneSnapshot.Unknown) ? null : current;
}
