namespace Lateen.Foundation.Text;

/// <summary>
/// Says whether a pattern is an RE2 regular expression as Go's regexp and Envoy's matcher take it (syntax of
/// github.com/google/re2/wiki/Syntax), without building it. What RE2 has not, such as look-around and back-references, is
/// refused. The words of the errors are those that Go's users know.
/// </summary>
public static class Re2Syntax
{
    /// <summary>Null when the pattern is valid, or <c>error parsing regexp: …</c> with the offending part in backquotes.</summary>
    public static string? Check(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        try
        {
            new Scanner(pattern).Run();
            return null;
        }
        catch (SyntaxException e)
        {
            return $"error parsing regexp: {e.Message}";
        }
    }

    private sealed class SyntaxException(string message) : Exception(message);

    /// <summary>One pass over the pattern with a stack of open groups. Owned by one call.</summary>
    private sealed class Scanner(string pattern)
    {
        // Go's limits (regexp/syntax): a repetition, also the product of nested ones, is at most 1000; depth at most 1000.
        private const int MaximumRepeat = 1000;
        private const int MaximumDepth = 1000;

        private readonly HashSet<string> _groupNames = new(StringComparer.Ordinal);
        private readonly Stack<Level> _levels = new();
        private int _at;

        /// <summary>What an enclosing group needs to know: the largest repetition inside, and of the last atom.</summary>
        private sealed class Level
        {
            public int Largest = 1;
            public int LastAtom = 1;
            public bool HasAtom;
            public string? LastOperator;
        }

        public void Run()
        {
            _levels.Push(new Level());
            while (_at < pattern.Length) Step();
            if (_levels.Count > 1) throw Error("missing closing )", pattern);
        }

        private void Step()
        {
            var level = _levels.Peek();
            var c = pattern[_at];
            switch (c)
            {
                case '(':
                    OpenGroup();
                    return;
                case ')':
                    CloseGroup();
                    return;
                case '|':
                    _at++;
                    (level.HasAtom, level.LastOperator) = (false, null);
                    return;
                case '[':
                    BracketClass();
                    Atom(1);
                    return;
                case '*' or '+' or '?':
                    Repeat(_at, _at + 1, 1);
                    return;
                case '{':
                    if (Counted() is { } counted) Repeat(_at, counted.End, counted.Times);
                    else Literal();
                    return;
                case '\\':
                    Escape(inClass: false);
                    Atom(1);
                    return;
                default:
                    Literal();
                    return;
            }
        }

        private void Literal()
        {
            _at += char.IsSurrogatePair(pattern, _at) ? 2 : 1;
            Atom(1);
        }

        private void Atom(int largest)
        {
            var level = _levels.Peek();
            (level.HasAtom, level.LastAtom, level.LastOperator) = (true, largest, null);
            level.Largest = Math.Max(level.Largest, largest);
        }

        private void Repeat(int start, int end, int times)
        {
            var level = _levels.Peek();
            if (end < pattern.Length && pattern[end] == '?') end++;
            var text = pattern[start..end];
            if (level.LastOperator is { } before) throw Error("invalid nested repetition operator", before + text);
            if (!level.HasAtom) throw Error("missing argument to repetition operator", text);
            level.LastOperator = text;
            if ((long)level.LastAtom * Math.Max(times, 1) > MaximumRepeat) throw Error("invalid repeat count", text);
            level.LastAtom *= Math.Max(times, 1);
            level.Largest = Math.Max(level.Largest, level.LastAtom);
            _at = end;
        }

        /// <summary><c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c>; anything else in braces is literal text.</summary>
        private (int End, int Times)? Counted()
        {
            var close = pattern.IndexOf('}', _at);
            if (close < 0) return null;
            var parts = pattern[(_at + 1)..close].Split(',');
            if (parts.Length > 2 || !Number(parts[0], out var least)) return null;
            var most = least;
            if (parts.Length == 2 && parts[1].Length > 0 && !Number(parts[1], out most)) return null;
            if (least > MaximumRepeat || most > MaximumRepeat || most < least)
                throw Error("invalid repeat count", pattern[_at..(close + 1)]);
            return (close + 1, Math.Max(least, most));
        }

        private static bool Number(string text, out int number)
        {
            number = 0;
            if (text.Length == 0 || (text.Length > 1 && text[0] == '0')) return false;
            foreach (var c in text)
            {
                if (!char.IsAsciiDigit(c)) return false;
                number = Math.Min(number * 10 + (c - '0'), MaximumRepeat + 1);
            }
            return true;
        }

        private void OpenGroup()
        {
            if (_levels.Count > MaximumDepth) throw new SyntaxException("expression nests too deeply");
            if (_at + 1 < pattern.Length && pattern[_at + 1] == '?')
            {
                if (!SpecialGroup()) return;
            }
            else
            {
                _at++;
            }
            _levels.Push(new Level());
        }

        /// <summary>After <c>(?</c>; false when it only set flags and opened no group.</summary>
        private bool SpecialGroup()
        {
            var start = _at;
            var rest = pattern.AsSpan(_at);
            if (rest.StartsWith("(?P<") || (rest.StartsWith("(?<") && !rest.StartsWith("(?<=") && !rest.StartsWith("(?<!")))
            {
                var open = pattern.IndexOf('<', _at);
                var close = pattern.IndexOf('>', open);
                if (close < 0) throw Error("invalid named capture", pattern[start..]);
                var name = pattern[(open + 1)..close];
                if (name.Length == 0 || !name.All(c => c == '_' || char.IsAsciiLetterOrDigit(c)))
                    throw Error("invalid named capture", pattern[start..(close + 1)]);
                if (!_groupNames.Add(name)) throw Error("duplicate capture group name", name);
                _at = close + 1;
                return true;
            }
            var negative = false;
            var seen = false;
            for (_at += 2; _at < pattern.Length;)
            {
                switch (pattern[_at++])
                {
                    case 'i' or 'm' or 's' or 'U':
                        seen = true;
                        continue;
                    case '-' when !negative:
                        (negative, seen) = (true, false);
                        continue;
                    case ':' when !negative || seen:
                        return true;
                    case ')' when !negative || seen:
                        var level = _levels.Peek();
                        level.LastOperator = null;
                        return false;
                }
                throw Error("invalid or unsupported Perl syntax", pattern[start..Math.Min(_at, pattern.Length)]);
            }
            throw Error("missing closing )", pattern);
        }

        private void CloseGroup()
        {
            if (_levels.Count == 1) throw Error("unexpected )", pattern);
            _at++;
            Atom(_levels.Pop().Largest);
        }

        private void BracketClass()
        {
            var start = _at++;
            if (_at < pattern.Length && pattern[_at] == '^') _at++;
            for (var first = true; ; first = false)
            {
                if (_at >= pattern.Length) throw Error("missing closing ]", pattern[start..]);
                var c = pattern[_at];
                if (c == ']' && !first)
                {
                    _at++;
                    return;
                }
                if (c == '[' && _at + 1 < pattern.Length && pattern[_at + 1] == ':' && NamedClass()) continue;
                var low = _at;
                if (ClassMember() is not { } from) continue;
                if (_at + 1 >= pattern.Length || pattern[_at] != '-' || pattern[_at + 1] == ']') continue;
                _at++;
                if (ClassMember() is not { } to || to < from) throw Error("invalid character class range", pattern[low..Math.Min(_at, pattern.Length)]);
            }
        }

        private bool NamedClass()
        {
            var close = pattern.IndexOf(":]", _at + 2, StringComparison.Ordinal);
            if (close < 0) return false;
            var name = pattern[_at..(close + 2)];
            if (!Re2Classes.IsPosix(name[2..^2].TrimStart('^'))) throw Error("invalid character class range", name);
            _at = close + 2;
            return true;
        }

        /// <summary>The code point of the next member of a bracket class; null for a class such as <c>\d</c>.</summary>
        private int? ClassMember()
        {
            if (pattern[_at] == '\\') return Escape(inClass: true);
            var c = char.IsSurrogatePair(pattern, _at) ? char.ConvertToUtf32(pattern, _at) : pattern[_at];
            _at += c > 0xffff ? 2 : 1;
            return c;
        }

        /// <summary>The code point that an escape stands for; null for classes and empty-width assertions.</summary>
        private int? Escape(bool inClass)
        {
            var start = _at;
            if (_at + 1 >= pattern.Length) throw new SyntaxException("trailing backslash at end of expression: ``");
            var c = pattern[_at + 1];
            _at += 2;
            switch (c)
            {
                case 'd' or 'D' or 's' or 'S' or 'w' or 'W':
                case 'A' or 'b' or 'B' or 'z' when !inClass:
                    return null;
                case 'p' or 'P':
                    UnicodeClass(start);
                    return null;
                case 'Q' when !inClass:
                    var end = pattern.IndexOf("\\E", _at, StringComparison.Ordinal);
                    _at = end < 0 ? pattern.Length : end + 2;
                    return null;
                case 'a' or 'f' or 't' or 'n' or 'r' or 'v':
                    return c;
                case 'x':
                    return Hexadecimal(start);
                case '0' or (>= '1' and <= '7') when c == '0' || (_at < pattern.Length && pattern[_at] is >= '0' and <= '7'):
                    var code = c - '0';
                    for (var digits = 1; digits < 3 && _at < pattern.Length && pattern[_at] is >= '0' and <= '7'; digits++) code = code * 8 + (pattern[_at++] - '0');
                    return code;
                default:
                    if (c < 128 && !char.IsAsciiLetterOrDigit(c)) return c;
                    throw Error("invalid escape sequence", pattern[start.._at]);
            }
        }

        private int Hexadecimal(int start)
        {
            if (_at < pattern.Length && pattern[_at] == '{')
            {
                var close = pattern.IndexOf('}', _at);
                if (close > _at + 1 && int.TryParse(pattern.AsSpan(_at + 1, close - _at - 1), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var code) && code is >= 0 and <= 0x10ffff)
                {
                    _at = close + 1;
                    return code;
                }
            }
            else if (_at + 2 <= pattern.Length && char.IsAsciiHexDigit(pattern[_at]) && char.IsAsciiHexDigit(pattern[_at + 1]))
            {
                _at += 2;
                return Convert.ToInt32(pattern[(_at - 2).._at], 16);
            }
            throw Error("invalid escape sequence", pattern[start..Math.Min(_at + 1, pattern.Length)]);
        }

        private void UnicodeClass(int start)
        {
            string? name = null;
            if (_at < pattern.Length && pattern[_at] == '{')
            {
                var close = pattern.IndexOf('}', _at);
                if (close > 0)
                {
                    name = pattern[(_at + 1)..close];
                    _at = close + 1;
                }
            }
            else if (_at < pattern.Length)
            {
                name = pattern[_at++].ToString();
            }
            if (name is null || !Re2Classes.IsUnicode(name.StartsWith('^') ? name[1..] : name))
                throw Error("invalid character class range", pattern[start..Math.Min(_at, pattern.Length)]);
        }

        private static SyntaxException Error(string reason, string part) => new($"{reason}: `{part}`");
    }
}
