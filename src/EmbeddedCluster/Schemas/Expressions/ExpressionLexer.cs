using System.Globalization;
using System.Text;

namespace Lateen.EmbeddedCluster.Schemas.Expressions;

internal enum TokenKind
{
    Identifier,
    Int,
    Double,
    Text,
    Sign,
    End,
}

/// <summary>One token of an expression.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, object? Value);

/// <summary>An expression cannot be understood; the rule that holds it is not evaluated.</summary>
internal sealed class ExpressionSyntaxException(string message) : Exception(message);

/// <summary>Splits an expression of the Common Expression Language into tokens. Pure.</summary>
internal static class ExpressionLexer
{
    private static readonly string[] Signs = ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}"];

    public static List<Token> Read(string text)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (at < text.Length)
        {
            var c = text[at];
            if (char.IsWhiteSpace(c)) at++;
            else if (c == '/' && at + 1 < text.Length && text[at + 1] == '/') at = text.IndexOf('\n', at) is var end && end < 0 ? text.Length : end;
            else if (IsTextStart(text, at)) tokens.Add(ReadText(text, ref at));
            else if (char.IsAsciiDigit(c)) tokens.Add(ReadNumber(text, ref at));
            else if (char.IsAsciiLetter(c) || c == '_')
            {
                var start = at;
                while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_')) at++;
                tokens.Add(new Token(TokenKind.Identifier, text[start..at], null));
            }
            else
            {
                var sign = Signs.FirstOrDefault(candidate => string.CompareOrdinal(text, at, candidate, 0, candidate.Length) == 0)
                    ?? throw new ExpressionSyntaxException($"unexpected '{c}'");
                tokens.Add(new Token(TokenKind.Sign, sign, null));
                at += sign.Length;
            }
        }
        tokens.Add(new Token(TokenKind.End, "", null));
        return tokens;
    }

    private static bool IsTextStart(string text, int at)
    {
        if (text[at] is 'r' or 'R' or 'b' or 'B' && at + 1 < text.Length) at++;
        return text[at] is '"' or '\'';
    }

    private static Token ReadText(string text, ref int at)
    {
        var raw = false;
        if (text[at] is 'b' or 'B') throw new ExpressionSyntaxException("bytes are not supported");
        if (text[at] is 'r' or 'R')
        {
            raw = true;
            at++;
        }
        var quote = text[at];
        var triple = at + 2 < text.Length && text[at + 1] == quote && text[at + 2] == quote;
        var end = triple ? new string(quote, 3) : quote.ToString();
        at += end.Length;
        var value = new StringBuilder();
        while (true)
        {
            if (at >= text.Length) throw new ExpressionSyntaxException("a text does not end");
            if (string.CompareOrdinal(text, at, end, 0, end.Length) == 0) break;
            if (text[at] == '\\' && !raw) value.Append(ReadEscape(text, ref at));
            else value.Append(text[at++]);
        }
        at += end.Length;
        return new Token(TokenKind.Text, "", value.ToString());
    }

    private static string ReadEscape(string text, ref int at)
    {
        if (at + 1 >= text.Length) throw new ExpressionSyntaxException("a text does not end");
        var c = text[at + 1];
        at += 2;
        switch (c)
        {
            case 'n': return "\n";
            case 't': return "\t";
            case 'r': return "\r";
            case 'a': return "\a";
            case 'b': return "\b";
            case 'f': return "\f";
            case 'v': return "\v";
            case 'x' or 'X': return Code(text, ref at, 2);
            case 'u': return Code(text, ref at, 4);
            case 'U': return Code(text, ref at, 8);
            default: return c is '\\' or '"' or '\'' or '`' or '?' ? c.ToString() : throw new ExpressionSyntaxException($"unknown escape \\{c}");
        }
    }

    private static string Code(string text, ref int at, int digits)
    {
        if (at + digits > text.Length || !int.TryParse(text.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || !Rune.IsValid(code))
            throw new ExpressionSyntaxException("bad escape");
        at += digits;
        return new Rune(code).ToString();
    }

    private static Token ReadNumber(string text, ref int at)
    {
        var start = at;
        if (text[at] == '0' && at + 1 < text.Length && text[at + 1] is 'x' or 'X')
        {
            at += 2;
            while (at < text.Length && char.IsAsciiHexDigit(text[at])) at++;
            return new Token(TokenKind.Int, "", Convert.ToInt64(text[(start + 2)..at], 16));
        }
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        var real = false;
        if (at + 1 < text.Length && text[at] == '.' && char.IsAsciiDigit(text[at + 1]))
        {
            real = true;
            at++;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        }
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            real = true;
            at++;
            if (at < text.Length && text[at] is '+' or '-') at++;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        }
        var digits = text[start..at];
        if (at < text.Length && text[at] is 'u' or 'U') at++;
        if (real) return new Token(TokenKind.Double, "", double.Parse(digits, CultureInfo.InvariantCulture));
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) ? new Token(TokenKind.Int, "", whole) : throw new ExpressionSyntaxException("number out of range");
    }
}
