using Envoy.Type.Matcher.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Connections;

namespace Lateen.Proxy.Http.Routing;

/// <summary>A compiled condition on a value at a path of metadata. Immutable. Source: envoy.type.matcher.v3.MetadataMatcher.</summary>
internal sealed class MetadataMatch
{
    private readonly string _name;
    private readonly string[] _path;
    private readonly ValueMatch _value;
    private readonly bool _invert;

    public MetadataMatch(MetadataMatcher matcher, string path)
    {
        if (matcher.Filter.Length == 0) throw new ConfigRefusedException(path + ".filter", "the namespace is empty");
        if (matcher.Path.Count == 0) throw new ConfigRefusedException(path + ".path", "has no segment");
        if (matcher.Value is null) throw new ConfigRefusedException(path + ".value", "is missing");
        (_name, _path, _invert) = (matcher.Filter, [.. matcher.Path.Select(segment => segment.Key)], matcher.Invert);
        _value = ValueMatch.From(matcher.Value, path + ".value");
    }

    public bool IsMatch(DynamicMetadata metadata) => IsMatch(metadata.Find(_name));

    public bool IsMatch(Envoy.Config.Core.V3.Metadata? metadata) => IsMatch(metadata?.FilterMetadata.GetValueOrDefault(_name));

    private bool IsMatch(Struct? fields) => _value.IsMatch(fields is null ? null : DynamicMetadata.Walk(fields, _path)) != _invert;
}

/// <summary>A compiled condition on one value; null stands for a value that is not there. Immutable. Source: envoy.type.matcher.v3.ValueMatcher.</summary>
internal sealed class ValueMatch
{
    private readonly Func<Value?, bool> _test;

    private ValueMatch(Func<Value?, bool> test) => _test = test;

    public bool IsMatch(Value? value) => _test(value);

    public static ValueMatch From(ValueMatcher matcher, string path)
    {
        switch (matcher.MatchPatternCase)
        {
            case ValueMatcher.MatchPatternOneofCase.NullMatch:
                return new ValueMatch(value => value?.KindCase == Value.KindOneofCase.NullValue);
            case ValueMatcher.MatchPatternOneofCase.DoubleMatch when matcher.DoubleMatch.MatchPatternCase == DoubleMatcher.MatchPatternOneofCase.Range:
                var range = matcher.DoubleMatch.Range;
                return new ValueMatch(value => value?.KindCase == Value.KindOneofCase.NumberValue && value.NumberValue >= range.Start && value.NumberValue < range.End);
            case ValueMatcher.MatchPatternOneofCase.DoubleMatch:
                var exact = matcher.DoubleMatch.Exact;
                return new ValueMatch(value => value?.KindCase == Value.KindOneofCase.NumberValue && value.NumberValue == exact);
            case ValueMatcher.MatchPatternOneofCase.StringMatch:
                var text = StringMatch.From(matcher.StringMatch, path + ".string_match");
                return new ValueMatch(value => value?.KindCase == Value.KindOneofCase.StringValue && text.IsMatch(value.StringValue));
            case ValueMatcher.MatchPatternOneofCase.BoolMatch:
                var expected = matcher.BoolMatch;
                return new ValueMatch(value => value?.KindCase == Value.KindOneofCase.BoolValue && value.BoolValue == expected);
            case ValueMatcher.MatchPatternOneofCase.PresentMatch:
                var present = matcher.PresentMatch;
                return new ValueMatch(value => value is not null == present);
            case ValueMatcher.MatchPatternOneofCase.ListMatch when matcher.ListMatch.OneOf is { } one:
                var any = From(one, path + ".list_match.one_of");
                return new ValueMatch(value => value?.KindCase == Value.KindOneofCase.ListValue && Any(value.ListValue, any));
            case ValueMatcher.MatchPatternOneofCase.OrMatch:
                var choices = matcher.OrMatch.ValueMatchers.Select((choice, i) => From(choice, $"{path}.or_match.value_matchers[{i}]")).ToArray();
                return new ValueMatch(value => Array.Exists(choices, choice => choice.IsMatch(value)));
            default:
                throw new ConfigRefusedException(path, $"the value matcher {matcher.MatchPatternCase} is not supported");
        }
    }

    private static bool Any(ListValue list, ValueMatch match)
    {
        foreach (var value in list.Values)
            if (match.IsMatch(value))
                return true;
        return false;
    }
}
