using Lateen.Config.Reading;

namespace Lateen.Config.Validation.Primitives;

/// <summary>Header names and values. Checks give null or the message.</summary>
internal static class HeaderSyntax
{
    private const string NoName = "header name cannot be empty";

    /// <summary>A name to match on: also a pseudo header, or the claim of a token.</summary>
    public static string? CheckMatchName(string name)
    {
        if (name.Length == 0) return NoName;
        if (IsClaim(name) || name is ":method" or ":scheme" or ":authority" or ":path" or ":status") return null;
        return IsToken(name) ? null : $"header name {name} is not a valid header name";
    }

    /// <summary><c>@request.auth.claims</c> with a claim: routing on a token, which gateways alone can do.</summary>
    public static bool IsClaim(string name)
    {
        const string Prefix = "@request.auth.claims";
        if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.Length <= Prefix.Length + 1) return false;
        return name[Prefix.Length] == '.' || (name[Prefix.Length] == '[' && name[^1] == ']');
    }

    /// <summary>A name to set or add in a request, where Host may be.</summary>
    public static string? CheckRequestOperation(string name)
    {
        if (name.Length == 0) return NoName;
        return name.StartsWith(':') && !IsAuthority(name) ? $"invalid header {GoText.Quote(name)}: header cannot have \":\" prefix" : null;
    }

    /// <summary>A name to remove, or to change in a response.</summary>
    public static string? CheckOperation(string name)
    {
        if (name.Length == 0) return NoName;
        if (name.Equals("host", StringComparison.OrdinalIgnoreCase)) return $"invalid header {GoText.Quote(name)}: cannot set Host header";
        return name.StartsWith(':') ? $"invalid header {GoText.Quote(name)}: header cannot have \":\" prefix" : null;
    }

    public static bool IsAuthority(string name) =>
        name.Equals(":authority", StringComparison.OrdinalIgnoreCase) || name.Equals("host", StringComparison.OrdinalIgnoreCase);

    /// <summary>A name in a CORS policy.</summary>
    public static string? CheckCorsName(string name)
    {
        if (name.Length == 0) return NoName;
        return name == "*" || IsToken(name) ? null : $"header name {name} is not a valid header name";
    }

    /// <summary>Letters, digits and hyphens, with underscores where asked.</summary>
    public static string? CheckPlainName(string name, bool underscores)
    {
        if (name.Length == 0) return NoName;
        return name.All(c => c == '-' || (underscores && c == '_') || char.IsAsciiLetterOrDigit(c)) ? null : $"header name {name} is not a valid header name";
    }

    /// <summary>
    /// A value with Envoy's <c>%COMMANDS%</c>: printable, with every percent sign doubled or closing a command. What stands
    /// between the signs is not judged.
    /// </summary>
    public static string? CheckValue(string value)
    {
        foreach (var c in value)
            if (c is < ' ' and not '\t' or '\u007f')
                return $"header value configuration {value} is invalid";
        return CheckCommands(value) is { } problem ? $"header value configuration: invalid header configuration. {problem}" : null;
    }

    private static string? CheckCommands(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] != '%') continue;
            if (++i == value.Length) return "Un-escaped %";
            if (value[i] == '%') continue;
            if (SkipCommand(value, ref i) is { } problem) return problem.Length > 0 ? problem : $"Un-terminated variable expression '{value}'";
        }
        return null;
    }

    /// <summary>From the first character of a command to its closing percent sign; an empty answer means that it never closes.</summary>
    private static string? SkipCommand(string value, ref int i)
    {
        while (i < value.Length && value[i] is not ('%' or '(')) i++;
        if (i == value.Length) return "";
        if (value[i] == '%') return null;
        i++;
        while (i < value.Length && value[i] == ' ') i++;
        if (i == value.Length) return "";
        if (value[i] == '[')
        {
            if (SkipArray(value, ref i) is { } problem) return problem;
        }
        else
        {
            // parity: the first character of a bare argument is taken as it comes, a parenthesis too.
            i++;
            if (SkipText(value, ref i) is not { } end) return "Un-terminated backslash in JSON string";
            if (end == '\0') return "";
            if (end == '"' && SkipRest(value, ref i) is { } rest) return rest;
        }
        while (i < value.Length && value[i] == ' ') i++;
        if (i == value.Length) return "";
        return value[i] == '%' ? null : "Expecting '%' or whitespace after";
    }

    private static string? SkipArray(string value, ref int i)
    {
        i++;
        while (i < value.Length && value[i] == ' ') i++;
        if (i == value.Length) return "";
        if (value[i] != '"') return "Expecting '\"'";
        i++;
        if (SkipText(value, ref i) is not { } end) return "Un-terminated backslash in JSON string";
        if (end == '\0') return "";
        return end == ')' ? null : SkipRest(value, ref i);
    }

    /// <summary>After a closed string: more strings, the closing bracket and the closing parenthesis.</summary>
    private static string? SkipRest(string value, ref int i)
    {
        while (true)
        {
            while (i < value.Length && value[i] == ' ') i++;
            if (i == value.Length) return "";
            if (value[i] == ']') break;
            if (value[i] != ',') return "Expecting ',', ']', or whitespace";
            i++;
            while (i < value.Length && value[i] == ' ') i++;
            if (i == value.Length) return "";
            if (value[i] != '"') return "Expecting '\"'";
            i++;
            if (SkipText(value, ref i) is not { } end) return "Un-terminated backslash in JSON string";
            if (end == '\0') return "";
            if (end == ')') return null;
        }
        i++;
        while (i < value.Length && value[i] == ' ') i++;
        if (i == value.Length) return "";
        if (value[i] != ')') return "Expecting ')' or whitespace";
        i++;
        return null;
    }

    /// <summary>To just after a quote or a parenthesis, whichever ends the text; '\0' when neither comes, null at a lone backslash.</summary>
    private static char? SkipText(string value, ref int i)
    {
        for (; i < value.Length; i++)
        {
            if (value[i] == '\\')
            {
                if (++i == value.Length) return null;
            }
            else if (value[i] is '"' or ')')
            {
                return value[i++];
            }
        }
        return '\0';
    }

    /// <summary>A token of RFC 9110, section 5.6.2.</summary>
    private static bool IsToken(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal));
}
