using System.Text;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.AccessLogs;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;
using Lateen.Proxy.Http.Headers;
using Lateen.Proxy.Http.Routing;
using Action = Envoy.Config.Core.V3.KeyValueAppend.Types.KeyValueAppendAction;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;
using Mutation = Envoy.Config.Common.MutationRules.V3.HeaderMutation;

namespace Lateen.Proxy.Filters.Http.HeaderMutation;

/// <summary>One change of headers. Immutable. Source: envoy.config.common.mutation_rules.v3.HeaderMutation.</summary>
internal sealed class HeaderMutationStep
{
    private readonly HeaderOperations _operations;
    private readonly StringMatch? _removed;

    public HeaderMutationStep(Mutation mutation, string path)
    {
        _operations = mutation.ActionCase switch
        {
            Mutation.ActionOneofCase.Remove => HeaderOperations.Compile([], [Removable(mutation.Remove, path + ".remove")], path),
            Mutation.ActionOneofCase.Append => HeaderOperations.Compile([mutation.Append], [], path + ".append"),
            Mutation.ActionOneofCase.RemoveOnMatch => HeaderOperations.None,
            _ => throw new ConfigRefusedException(path, "has no action"),
        };
        if (mutation.RemoveOnMatch is { } match) _removed = StringMatch.From(match.KeyMatcher ?? new Envoy.Type.Matcher.V3.StringMatcher(), path + ".remove_on_match.key_matcher");
    }

    public void Apply(HeaderMap headers, HttpExchange exchange)
    {
        _operations.Apply(headers, exchange.Format, exchange.Scratch);
        if (_removed is null) return;
        for (var place = 0; place < headers.Places; place++)
            if (headers.TryAt(place, out _, out var name, out _) && name[0] != ':' && _removed.IsMatch(name))
                headers.Remove(name.ToArray());
    }

    private static string Removable(string name, string path) =>
        name.Length > 0 && !name.StartsWith(':') && !name.Equals("host", StringComparison.OrdinalIgnoreCase) ? name : throw new ConfigRefusedException(path, $"'{name}' cannot be removed");
}

/// <summary>One change of query parameters. Immutable. Source: envoy.config.core.v3.KeyValueMutation.</summary>
internal sealed class QueryMutationStep
{
    private readonly string _key;
    private readonly FormatString? _value;
    private readonly Action _action;

    public QueryMutationStep(KeyValueMutation mutation, string path)
    {
        if (mutation.Append is not null == mutation.Remove.Length > 0) throw new ConfigRefusedException(path, "exactly one of append and remove must be set");
        if (mutation.Append is null)
        {
            _key = mutation.Remove;
            return;
        }
#pragma warning disable CS0612 // The older form of the parameter.
        var entry = mutation.Append.Entry;
        var text = mutation.Append.Record is { } record
            ? record.Value?.KindCase == Value.KindOneofCase.StringValue ? record.Value.StringValue : throw new ConfigRefusedException(path + ".append.record.value", "must be a string")
            : entry?.Value.ToStringUtf8() ?? throw new ConfigRefusedException(path + ".append.record", "is missing");
        _key = mutation.Append.Record?.Key ?? entry!.Key;
#pragma warning restore CS0612
        if (_key.Length == 0) throw new ConfigRefusedException(path + ".append.record.key", "is empty");
        (_value, _action) = (FormatString.Compile(text, path + ".append"), mutation.Append.Action);
    }

    /// <summary>The target as it is after the change.</summary>
    public byte[] Apply(ReadOnlySpan<byte> target, HttpExchange exchange)
    {
        if (_value is null) return QueryChanges.Apply(target, [], [_key]);
        exchange.Scratch.Clear();
        _value.Write(exchange.Scratch, exchange.Format, default);
        var value = Encoding.UTF8.GetString(exchange.Scratch.Span);
        var exists = QueryMatch.Find(QueryMatch.QueryOf(target), Encoding.UTF8.GetBytes(_key)) is not null;
        return _action switch
        {
            Action.AppendIfExistsOrAdd => QueryChanges.Add(target, _key, value),
            Action.AddIfAbsent when exists => target.ToArray(),
            Action.OverwriteIfExists when !exists => target.ToArray(),
            _ => QueryChanges.Apply(target, [new QueryParameter { Key = _key, Value = value }], []),
        };
    }
}
