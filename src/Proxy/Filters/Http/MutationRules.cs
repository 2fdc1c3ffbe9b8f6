using System.Text;
using System.Text.RegularExpressions;
using Envoy.Config.Common.MutationRules.V3;
using Lateen.Proxy.Http.Routing;
using HeaderMap = Lateen.Proxy.Http.Headers.HeaderMap;

namespace Lateen.Proxy.Filters.Http;

/// <summary>
/// Which headers a service may change. Immutable. Source: envoy.config.common.mutation_rules.v3.HeaderMutationRules and Envoy's
/// source/extensions/filters/common/mutation_rules/mutation_rules.cc.
/// </summary>
internal sealed class MutationRules
{
    private readonly HeaderMutationRules _rules;
    private readonly Regex? _allow, _disallow;

    public MutationRules(HeaderMutationRules rules, string path)
    {
        _rules = rules;
        if (rules.AllowExpression is { } allow) _allow = SafeRegex.Compile(allow.Regex, path + ".allow_expression.regex");
        if (rules.DisallowExpression is { } disallow) _disallow = SafeRegex.Compile(disallow.Regex, path + ".disallow_expression.regex");
    }

    /// <summary>Makes a change when that is allowed; false when it is one that makes the whole answer an error.</summary>
    public bool TryApply(in HeaderChange change, HeaderMap headers)
    {
        if (!change.IsValid || !Allows(change)) return _rules.DisallowIsError is not true;
        change.Apply(headers);
        return true;
    }

    private bool Allows(in HeaderChange change)
    {
        var name = change.Name.AsSpan();
        var (isSystem, isHost) = (name.StartsWith(":"u8), name.SequenceEqual("host"u8));
        // A message without them is none.
        if (change.Kind is HeaderChangeKind.Remove or HeaderChangeKind.Add && (isSystem || isHost)) return change.Kind == HeaderChangeKind.Add && AllowsName(name, isSystem, isHost);
        return AllowsName(name, isSystem, isHost);
    }

    private bool AllowsName(ReadOnlySpan<byte> name, bool isSystem, bool isHost)
    {
        var text = Encoding.ASCII.GetString(name);
        if (_disallow?.IsMatch(text) == true) return false;
        if (_allow?.IsMatch(text) == true) return true;
        if (_rules.DisallowAll is true) return false;
        if (_rules.AllowEnvoy is not true && text.StartsWith("x-envoy", StringComparison.Ordinal)) return false;
        if (_rules.DisallowSystem is true && isSystem) return false;
        return _rules.AllowAllRouting is true || !isHost && text is not (":authority" or ":scheme" or ":method");
    }
}
