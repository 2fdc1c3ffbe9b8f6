using System.Text;
using System.Text.RegularExpressions;
using Lateen.Proxy.Http.Routing;

namespace Lateen.Proxy.Compile;

/// <summary>
/// Path templates as regular expressions: <c>*</c> and <c>{name}</c> are one segment, <c>**</c> and <c>{name=**}</c> the rest, <c>{name=/a/*}</c>
/// what its pattern says. Source: envoy.extensions.path.match.uri_template.v3 and path.rewrite.uri_template.v3.
/// </summary>
internal static class UriTemplate
{
    private const int MostVariables = 5, LongestName = 16;

    /// <summary>The expression, each variable a group, and the variables' names in the groups' order.</summary>
    public static (Regex Regex, string[] Variables) Compile(string template, string path)
    {
        if (!template.StartsWith('/')) throw new ConfigRefusedException(path, $"the template \"{template}\" does not begin with a slash");
        var (pattern, variables, hasRest) = (new StringBuilder(), new List<string>(), false);
        for (var at = 0; at < template.Length;)
        {
            if (template[at] == '}') throw new ConfigRefusedException(path, $"the template \"{template}\" has a brace that is not opened");
            if (template[at] != '{')
            {
                at = Glob(template, at, template.Length, pattern, ref hasRest, path);
                continue;
            }
            var close = template.IndexOf('}', at);
            if (close < 0) throw new ConfigRefusedException(path, $"the template \"{template}\" has a brace that is not closed");
            var equals = template.IndexOf('=', at, close - at);
            var name = template[(at + 1)..(equals < 0 ? close : equals)];
            // {*} and {**} have no name; Istio writes them so.
            var isBare = name is "*" or "**";
            if (!isBare) CheckName(name, variables, path);
            if (!isBare) variables.Add(name);
            pattern.Append(isBare ? "(?:" : "(");
            var inner = isBare ? name : equals < 0 ? "*" : template[(equals + 1)..close];
            if (inner.Length == 0 || inner.Contains('{')) throw new ConfigRefusedException(path, $"the pattern of the variable {name} is not valid");
            for (var i = 0; i < inner.Length;) i = Glob(inner, i, inner.Length, pattern, ref hasRest, path);
            pattern.Append(')');
            at = close + 1;
        }
        return (SafeRegex.Compile(pattern.ToString(), path), [.. variables]);
    }

    /// <summary>The expression alone.</summary>
    public static Regex ToRegex(string template, string path) => Compile(template, path).Regex;

    /// <summary>What a rewrite puts together: texts, and numbers of the match's groups.</summary>
    public static TemplateRewrite CompileRewrite(string rewrite, RouteMatcher match, string path)
    {
        if (match.Kind != PathKind.Template) throw new ConfigRefusedException(path, "needs a path template as the route's match");
        if (!rewrite.StartsWith('/')) throw new ConfigRefusedException(path, $"the rewrite \"{rewrite}\" does not begin with a slash");
        var (parts, text) = (new List<(string Text, int Group)>(), new StringBuilder());
        for (var at = 0; at < rewrite.Length; at++)
        {
            if (rewrite[at] == '}') throw new ConfigRefusedException(path, $"the rewrite \"{rewrite}\" has a brace that is not opened");
            if (rewrite[at] != '{')
            {
                text.Append(rewrite[at]);
                continue;
            }
            var close = rewrite.IndexOf('}', at);
            var group = close < 0 ? -1 : Array.IndexOf(match.Variables, rewrite[(at + 1)..close]);
            if (group < 0) throw new ConfigRefusedException(path, $"the rewrite \"{rewrite}\" names a variable that the match has not");
            parts.Add((text.ToString(), group + 1));
            text.Clear();
            at = close;
        }
        parts.Add((text.ToString(), 0));
        return new TemplateRewrite(match.Expression!, [.. parts]);
    }

    private static int Glob(string text, int at, int end, StringBuilder pattern, ref bool hasRest, string path)
    {
        if (text[at] != '*')
        {
            pattern.Append(Regex.Escape(text[at].ToString()));
            return at + 1;
        }
        if (hasRest) throw new ConfigRefusedException(path, $"\"{text}\" has an operator behind **");
        hasRest = at + 1 < end && text[at + 1] == '*';
        pattern.Append(hasRest ? ".*" : "[^/]+");
        return at + (hasRest ? 2 : 1);
    }

    private static void CheckName(string name, List<string> variables, string path)
    {
        if (name.Length is 0 or > LongestName || !char.IsAsciiLetter(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            throw new ConfigRefusedException(path, $"\"{name}\" is not the name of a variable");
        if (variables.Contains(name)) throw new ConfigRefusedException(path, $"the variable {name} is there twice");
        if (variables.Count == MostVariables) throw new ConfigRefusedException(path, $"more than {MostVariables} variables");
    }
}
