using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Http.Routing;

/// <summary>
/// An RE2 pattern in .NET's words, with RE2's meaning: <c>\d</c>, <c>\w</c>, <c>\s</c> and the POSIX classes are ASCII, <c>$</c> is the end of the
/// text and not before its last newline, <c>[</c> within a class is itself. The pattern has passed <see cref="Foundation.Text.Re2Syntax"/>.
/// differs: <c>\b</c> and <c>\B</c> know letters beyond ASCII, which .NET's non-backtracking engine cannot be told. Pure.
/// </summary>
internal sealed class Re2Translation
{
    private const string Digit = "0-9", Word = "0-9A-Za-z_", Space = @"\t\n\f\r ";
    private const string Anything = @"[\x00-\uffff]", Nothing = @"[^\x00-\uffff]";

    private const string NotDigit = @"\x00-/:-\uffff", NotWord = @"\x00-/:-@\[-\^`{-\uffff", NotSpace = @"\x00-\x08\x0b\x0e-\x1f!-\uffff";
    private static readonly Dictionary<string, (int From, int To)[]> Posix = new(StringComparer.Ordinal)
    {
        ["alnum"] = [('0', '9'), ('A', 'Z'), ('a', 'z')],
        ["alpha"] = [('A', 'Z'), ('a', 'z')],
        ["ascii"] = [(0, 0x7f)],
        ["blank"] = [('\t', '\t'), (' ', ' ')],
        ["cntrl"] = [(0, 0x1f), (0x7f, 0x7f)],
        ["digit"] = [('0', '9')],
        ["graph"] = [('!', '~')],
        ["lower"] = [('a', 'z')],
        ["print"] = [(' ', '~')],
        ["punct"] = [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ["space"] = [('\t', '\r'), (' ', ' ')],
        ["upper"] = [('A', 'Z')],
        ["word"] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ["xdigit"] = [('0', '9'), ('A', 'F'), ('a', 'f')],
    };
    private readonly string _pattern;
    private readonly StringBuilder _result = new();
    private readonly Stack<bool> _outerMultiline = new();
    private int _at;
    private bool _multiline;

    private Re2Translation(string pattern) => _pattern = pattern;

    /// <exception cref="NotSupportedException">A class has members beyond the basic multilingual plane.</exception>
    public static string Of(string pattern)
    {
        var translation = new Re2Translation(pattern);
        while (translation._at < pattern.Length) translation.Step();
        return translation._result.ToString();
    }

    private void Step()
    {
        var c = _pattern[_at];
        switch (c)
        {
            case '\\':
                Escape();
                break;
            case '[':
                Class();
                break;
            case '(':
                Open();
                break;
            case ')':
                _multiline = _outerMultiline.Pop();
                _result.Append(c);
                _at++;
                break;
            case '$':
                _result.Append(_multiline ? "$" : @"\z");
                _at++;
                break;
            case '^' or '.' or '|' or '*' or '+' or '?' or '{' or '}':
                _result.Append(c);
                _at++;
                break;
            default:
                Literal(Next());
                break;
        }
    }

    private void Open()
    {
        _outerMultiline.Push(_multiline);
        if (_at + 1 >= _pattern.Length || _pattern[_at + 1] != '?')
        {
            _result.Append('(');
            _at++;
            return;
        }
        if (_pattern.AsSpan(_at).StartsWith("(?P<") || _pattern.AsSpan(_at).StartsWith("(?<"))
        {
            var close = _pattern.IndexOf('>', _at);
            _result.Append("(?<").Append(_pattern, _pattern.IndexOf('<', _at) + 1, close - _pattern.IndexOf('<', _at));
            _at = close + 1;
            return;
        }
        _result.Append("(?");
        var on = true;
        for (_at += 2; ; _at++)
        {
            var c = _pattern[_at];
            if (c == '-') on = false;
            if (c == 'm') _multiline = on;
            // What is greedy changes what is found, not whether: nothing to say for a match.
            if (c != 'U') _result.Append(c);
            if (c == ')')
            {
                // Flags alone: they hold until the enclosing group ends.
                _outerMultiline.Pop();
                if (_result[^2] is '?' or '-') _result.Length = _result.ToString().LastIndexOf("(?", StringComparison.Ordinal);
            }
            if (c is not (')' or ':')) continue;
            if (c == ':' && _result[^2] == '-') _result.Remove(_result.Length - 2, 1);
            _at++;
            return;
        }
    }

    private void Escape()
    {
        var c = _pattern[_at + 1];
        switch (c)
        {
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S':
                _result.Append('[').Append(ClassOf(c)).Append(']');
                _at += 2;
                return;
            case 'A' or 'z' or 'b' or 'B':
                _result.Append('\\').Append(c);
                _at += 2;
                return;
            case 'p' or 'P':
                _result.Append(Category());
                return;
            case 'Q':
                var end = _pattern.IndexOf("\\E", _at, StringComparison.Ordinal);
                var stop = end < 0 ? _pattern.Length : end;
                for (_at += 2; _at < stop;) Literal(Next());
                if (end >= 0) _at += 2;
                return;
            default:
                Literal(Escaped());
                return;
        }
    }

    private void Class()
    {
        _result.Append('[');
        _at++;
        if (_pattern[_at] == '^')
        {
            _result.Append('^');
            _at++;
        }
        for (var first = true; first || _pattern[_at] != ']'; first = false)
        {
            if (_pattern[_at] == '[' && _pattern.AsSpan(_at).StartsWith("[:") && _pattern.IndexOf(":]", _at + 2, StringComparison.Ordinal) is var close and > 0
                && Posix.TryGetValue(_pattern[(_at + 2)..close].TrimStart('^'), out var ranges))
            {
                Ranges(ranges, _pattern[_at + 2] == '^');
                _at = close + 2;
                continue;
            }
            if (_pattern[_at] == '\\' && _pattern[_at + 1] is 'd' or 'D' or 'w' or 'W' or 's' or 'S')
            {
                _result.Append(ClassOf(_pattern[_at + 1]));
                _at += 2;
                continue;
            }
            if (_pattern[_at] == '\\' && _pattern[_at + 1] is 'p' or 'P')
            {
                var category = Category();
                _result.Append(category == Anything ? @"\x00-\uffff" : category == Nothing ? "" : category);
                continue;
            }
            Member(_pattern[_at] == '\\' ? Escaped() : Next());
            if (_pattern[_at] != '-' || _pattern[_at + 1] == ']') continue;
            _at++;
            _result.Append('-');
            Member(_pattern[_at] == '\\' ? Escaped() : Next());
        }
        _result.Append(']');
        _at++;
    }

    private void Ranges((int From, int To)[] ranges, bool negated)
    {
        var next = 0;
        foreach (var (from, to) in ranges)
        {
            if (!negated) Range(from, to);
            else if (from > next) Range(next, from - 1);
            next = to + 1;
        }
        if (negated) Range(next, 0xffff);
    }

    private void Range(int from, int to)
    {
        Member(from);
        _result.Append('-');
        Member(to);
    }

    private void Member(int code)
    {
        if (code > 0xffff) throw new NotSupportedException("characters beyond U+FFFF are not supported within a class");
        _result.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}");
    }

    private void Literal(int code)
    {
        if (code > 0xffff)
        {
            var pair = char.ConvertFromUtf32(code);
            _result.Append(CultureInfo.InvariantCulture, $"(?:\\u{(int)pair[0]:x4}\\u{(int)pair[1]:x4})");
        }
        else if (char.IsAsciiLetterOrDigit((char)code) || code is '/' or '-' or '_') _result.Append((char)code);
        else _result.Append(CultureInfo.InvariantCulture, $"\\u{code:x4}");
    }

    private string Category()
    {
        var negated = _pattern[_at + 1] == 'P';
        string name;
        if (_pattern[_at + 2] == '{')
        {
            var close = _pattern.IndexOf('}', _at);
            name = _pattern[(_at + 3)..close];
            _at = close + 1;
        }
        else
        {
            name = _pattern[_at + 2].ToString();
            _at += 3;
        }
        if (name.StartsWith('^')) (negated, name) = (!negated, name[1..]);
        // .NET has no name for the class of all characters.
        if (name == "Any") return negated ? Nothing : Anything;
        return $"\\{(negated ? 'P' : 'p')}{{{name}}}";
    }

    /// <summary>The next character of the pattern as it stands.</summary>
    private int Next()
    {
        var code = char.IsSurrogatePair(_pattern, _at) ? char.ConvertToUtf32(_pattern, _at) : _pattern[_at];
        _at += code > 0xffff ? 2 : 1;
        return code;
    }

    /// <summary>The character that an escape stands for.</summary>
    private int Escaped()
    {
        var c = _pattern[_at + 1];
        _at += 2;
        switch (c)
        {
            case 'a':
                return 7;
            case 'f':
                return 12;
            case 't':
                return 9;
            case 'n':
                return 10;
            case 'r':
                return 13;
            case 'v':
                return 11;
            case 'x' when _pattern[_at] == '{':
                var close = _pattern.IndexOf('}', _at);
                var long16 = int.Parse(_pattern.AsSpan(_at + 1, close - _at - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                _at = close + 1;
                return long16;
            case 'x':
                _at += 2;
                return int.Parse(_pattern.AsSpan(_at - 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            case >= '0' and <= '7':
                var octal = c - '0';
                for (var digits = 1; digits < 3 && _at < _pattern.Length && _pattern[_at] is >= '0' and <= '7'; digits++) octal = octal * 8 + (_pattern[_at++] - '0');
                return octal;
            default:
                return c;
        }
    }

    private static string ClassOf(char letter) => letter switch
    {
        'd' => Digit,
        'D' => NotDigit,
        'w' => Word,
        'W' => NotWord,
        's' => Space,
        _ => NotSpace,
    };
}
