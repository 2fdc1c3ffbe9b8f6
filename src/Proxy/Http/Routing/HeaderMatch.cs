using System.Globalization;
using System.Text;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Headers;

namespace Lateen.Proxy.Http.Routing;

/// <summary>A compiled header condition. Immutable. Source: envoy.config.route.v3.HeaderMatcher.</summary>
internal sealed class HeaderMatch
{
    private readonly byte[] _name;
    private readonly StringMatch? _value;
    private readonly (long Start, long End)? _range;
    private readonly bool? _present;
    private readonly bool _invert;
    private readonly bool _missingIsEmpty;

    public HeaderMatch(Envoy.Config.Route.V3.HeaderMatcher matcher, string path)
    {
        if (matcher.Name.Length == 0) throw new ConfigRefusedException(path + ".name", "the name is empty");
        _name = Encoding.ASCII.GetBytes(matcher.Name.ToLowerInvariant() is "host" ? ":authority" : matcher.Name.ToLowerInvariant());
        (_invert, _missingIsEmpty) = (matcher.InvertMatch, matcher.TreatMissingHeaderAsEmpty);
        switch (matcher.HeaderMatchSpecifierCase)
        {
#pragma warning disable CS0612 // The older forms are still sent.
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.ExactMatch:
                _value = StringMatch.Exact(matcher.ExactMatch);
                break;
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.SafeRegexMatch:
                _value = StringMatch.Regex(matcher.SafeRegexMatch.Regex, path + ".safe_regex_match.regex");
                break;
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.PrefixMatch:
                _value = StringMatch.Prefix(matcher.PrefixMatch);
                break;
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.SuffixMatch:
                _value = StringMatch.Suffix(matcher.SuffixMatch);
                break;
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.ContainsMatch:
                _value = StringMatch.Contains(matcher.ContainsMatch);
                break;
#pragma warning restore CS0612
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.RangeMatch:
                _range = (matcher.RangeMatch.Start, matcher.RangeMatch.End);
                break;
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.PresentMatch:
                _present = matcher.PresentMatch;
                break;
            case Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase.StringMatch:
                _value = StringMatch.From(matcher.StringMatch, path + ".string_match");
                break;
            default:
                _present = true;
                break;
        }
    }

    /// <summary>Of several headers of the name one is enough, each by itself; inverted, all must differ (Envoy since 1.39).</summary>
    public bool IsMatch(HeaderMap headers)
    {
        var place = headers.Find(_name, 0);
        if (_present is { } present) return (place >= 0 == present) != _invert;
        // A header that is absent never matches, inverted or not, unless it is to count as empty.
        if (place < 0) return _missingIsEmpty && Test(default) != _invert;
        for (; place >= 0; place = headers.Find(_name, place + 1))
            if (Test(headers.ValueAt(place)))
                return !_invert;
        return _invert;
    }

    private bool Test(ReadOnlySpan<byte> value)
    {
        if (_value is not null) return _value.IsMatch(value);
        return long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= _range!.Value.Start && number < _range.Value.End;
    }
}
