namespace Lateen.Config.Validation.Telemetry;

/// <summary>
/// Says whether a text is an expression of the Common Expression Language (github.com/google/cel-spec, doc/langdef.md),
/// without giving it a meaning. Owned by one call.
/// </summary>
internal sealed class CelSyntax
{
    private const int MaximumDepth = 250;
    private static readonly string[] Reserved =
    [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return",
        "var", "void", "while",
    ];

    private static readonly string[] Relations = ["<=", ">=", "==", "!=", "<", ">"];

    private readonly string _text;
    private int _at;
    private int _depth;

    private CelSyntax(string text) => _text = text;

    private sealed class SyntaxException(string message) : Exception(message);

    /// <summary>Null or the first problem.</summary>
    public static string? Check(string text)
    {
        var parser = new CelSyntax(text);
        try
        {
            parser.Expression();
            parser.Space();
            return parser._at == text.Length ? null : parser.Unexpected().Message;
        }
        catch (SyntaxException e)
        {
            return e.Message;
        }
    }

    private void Expression()
    {
        if (++_depth > MaximumDepth) throw new SyntaxException("expression nests too deeply");
        Or();
        if (Take("?"))
        {
            Or();
            Need(":");
            Expression();
        }
        _depth--;
    }

    private void Or()
    {
        do And();
        while (Take("||"));
    }

    private void And()
    {
        do Relation();
        while (Take("&&"));
    }

    private void Relation()
    {
        do Sum();
        while (Relations.Any(Take) || TakeWord("in"));
    }

    private void Sum()
    {
        do Product();
        while (Take("+") || Take("-"));
    }

    private void Product()
    {
        do Unary();
        while (Take("*") || Take("/") || Take("%"));
    }

    private void Unary()
    {
        if (Take("!"))
            while (Take("!"))
            {
            }
        else
            while (Take("-"))
            {
            }
        Member();
    }

    private void Member()
    {
        Primary();
        while (true)
        {
            if (Take("."))
            {
                Take("?");
                if (!Identifier(out _)) throw Unexpected();
                if (Take("(")) Arguments(")");
            }
            else if (Take("["))
            {
                Take("?");
                Expression();
                Need("]");
            }
            else if (Take("{"))
            {
                Fields();
            }
            else
            {
                return;
            }
        }
    }

    private void Primary()
    {
        Space();
        if (Take("("))
        {
            Expression();
            Need(")");
        }
        else if (Take("["))
        {
            Arguments("]");
        }
        else if (Take("{"))
        {
            Fields();
        }
        else if (!Text() && !Number())
        {
            Take(".");
            if (!Identifier(out var name) || name == "in" || Reserved.Contains(name)) throw Unexpected();
            if (Take("(")) Arguments(")");
        }
    }

    private void Arguments(string close)
    {
        if (Take(close)) return;
        do
        {
            if (close == "]" && Take(close)) return;
            Take("?");
            Expression();
        }
        while (Take(","));
        Need(close);
    }

    private void Fields()
    {
        if (Take("}")) return;
        do
        {
            if (Take("}")) return;
            Take("?");
            Expression();
            Need(":");
            Expression();
        }
        while (Take(","));
        Need("}");
    }

    private bool Text()
    {
        var start = _at;
        var raw = false;
        while (_at < _text.Length && _at - start < 2 && _text[_at] is 'r' or 'R' or 'b' or 'B') raw |= _text[_at++] is 'r' or 'R';
        if (_at >= _text.Length || _text[_at] is not ('"' or '\''))
        {
            _at = start;
            return false;
        }
        var quote = _text[_at].ToString();
        if (string.CompareOrdinal(_text, _at, quote + quote + quote, 0, 3) == 0) quote = quote + quote + quote;
        for (_at += quote.Length; _at < _text.Length; _at++)
        {
            if (string.CompareOrdinal(_text, _at, quote, 0, quote.Length) == 0)
            {
                _at += quote.Length;
                return true;
            }
            if (_text[_at] == '\n' && quote.Length == 1) break;
            if (_text[_at] != '\\' || raw) continue;
            if (++_at < _text.Length && !"abfnrtv\\?\"'`xXuU01234567".Contains(_text[_at], StringComparison.Ordinal)) throw Unexpected();
        }
        throw new SyntaxException("Syntax error: token recognition error, a string does not end");
    }

    private bool Number()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at])) _at++;
        if (_at - start == 1 && _text[start] == '0' && _at < _text.Length && _text[_at] is 'x' or 'X' && _at + 1 < _text.Length && char.IsAsciiHexDigit(_text[_at + 1]))
        {
            for (_at++; _at < _text.Length && char.IsAsciiHexDigit(_text[_at]);) _at++;
        }
        else if (_at + 1 < _text.Length && _text[_at] == '.' && char.IsAsciiDigit(_text[_at + 1]))
        {
            for (_at++; _at < _text.Length && char.IsAsciiDigit(_text[_at]);) _at++;
        }
        if (_at == start) return false;
        if (_at < _text.Length && _text[_at] is 'e' or 'E')
        {
            _at++;
            if (_at < _text.Length && _text[_at] is '+' or '-') _at++;
            if (_at >= _text.Length || !char.IsAsciiDigit(_text[_at])) throw Unexpected();
            while (_at < _text.Length && char.IsAsciiDigit(_text[_at])) _at++;
        }
        if (_at < _text.Length && _text[_at] is 'u' or 'U') _at++;
        return true;
    }

    private bool Identifier(out string name)
    {
        Space();
        var start = _at;
        name = "";
        if (_at < _text.Length && (_text[_at] == '_' || char.IsAsciiLetter(_text[_at])))
        {
            while (_at < _text.Length && (_text[_at] == '_' || char.IsAsciiLetterOrDigit(_text[_at]))) _at++;
            name = _text[start.._at];
            return true;
        }
        if (_at < _text.Length && _text[_at] == '`' && _text.IndexOf('`', _at + 1) is > 0 and var close)
        {
            (name, _at) = (_text[(_at + 1)..close], close + 1);
            return true;
        }
        return false;
    }

    private bool Take(string token)
    {
        Space();
        if (string.CompareOrdinal(_text, _at, token, 0, token.Length) != 0) return false;
        // A longer operator that starts the same is another token.
        if (token is "!" or "<" or ">" && _at + 1 < _text.Length && _text[_at + 1] == '=') return false;
        _at += token.Length;
        return true;
    }

    private bool TakeWord(string word)
    {
        Space();
        var end = _at + word.Length;
        if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0 || (end < _text.Length && (_text[end] == '_' || char.IsAsciiLetterOrDigit(_text[end])))) return false;
        _at = end;
        return true;
    }

    private void Need(string token)
    {
        if (!Take(token)) throw Unexpected();
    }

    private void Space()
    {
        while (_at < _text.Length)
        {
            if (char.IsWhiteSpace(_text[_at])) _at++;
            else if (string.CompareOrdinal(_text, _at, "//", 0, 2) == 0)
                while (_at < _text.Length && _text[_at] != '\n') _at++;
            else return;
        }
    }

    private SyntaxException Unexpected() =>
        new(_at >= _text.Length ? "Syntax error: mismatched input '<EOF>'" : $"Syntax error: unexpected '{_text[_at]}' at column {_at + 1}");
}
