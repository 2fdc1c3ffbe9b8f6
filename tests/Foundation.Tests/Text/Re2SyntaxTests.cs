using Lateen.Foundation.Text;
using Lateen.Support;
using Xunit;

namespace Lateen.Foundation.Tests.Text;

public sealed class Re2SyntaxTests
{
    [Theory]
    [InlineData("")]
    [InlineData("^(.*?;)?(user=jason)(;.*)?$")]
    [InlineData("a{1000}")]
    [InlineData("a{,5}")]
    [InlineData("a{01}")]
    [InlineData("(?i)abc(?-i:D)")]
    [InlineData("(?P<name>x)(?<other>y)")]
    [InlineData(@"\d+\.\pL\p{Greek}[[:alpha:]^\]]\x{10FFFF}\101\Qa*b\E")]
    [InlineData("[]a]")]
    [InlineData("[a-b-c]")]
    [InlineData("x*?y+?z??")]
    [InlineData("^*")]
    public void These_are_expressions(string pattern) => Assert.Null(Re2Syntax.Check(pattern));

    [Theory]
    [InlineData("*", "missing argument to repetition operator: `*`")]
    [InlineData("a**", "invalid nested repetition operator: `**`")]
    [InlineData("a{2}{3}", "invalid nested repetition operator: `{2}{3}`")]
    [InlineData("a{1001}", "invalid repeat count: `{1001}`")]
    [InlineData("(a{100}){100}", "invalid repeat count: `{100}`")]
    [InlineData("(a", "missing closing ): `(a`")]
    [InlineData("a)", "unexpected ): `a)`")]
    [InlineData("[a", "missing closing ]: `[a`")]
    [InlineData("[z-a]", "invalid character class range: `z-a`")]
    [InlineData("(?=a)", "invalid or unsupported Perl syntax: `(?=`")]
    [InlineData("(?<!a)", "invalid or unsupported Perl syntax: `(?<`")]
    [InlineData(@"(a)\1", @"invalid escape sequence: `\1`")]
    [InlineData(@"\", "trailing backslash at end of expression: ``")]
    [InlineData(@"\p{Klingon}", @"invalid character class range: `\p{Klingon}`")]
    [InlineData("(?P<n>a)(?P<n>b)", "duplicate capture group name: `n`")]
    public void These_are_not(string pattern, string reason) => Assert.Equal($"error parsing regexp: {reason}", Re2Syntax.Check(pattern));

    /// <summary>The vectors of Go's distribution list valid patterns only.</summary>
    [Fact]
    public void Every_pattern_of_the_public_vectors_is_one()
    {
        var refused = new List<string>();
        var inPatterns = false;
        foreach (var line in File.ReadLines(Corpora.Require("regex", "re2-search.txt")))
        {
            if (line is "strings" or "regexps") inPatterns = line == "regexps";
            else if (inPatterns && line.StartsWith('"') && Unquote(line) is var pattern && !pattern.Contains(@"\C", StringComparison.Ordinal)
                && Re2Syntax.Check(pattern) is { } problem)
                refused.Add($"{pattern}: {problem}");
        }
        Assert.Empty(refused);
    }

    /// <summary>A string literal of Go.</summary>
    private static string Unquote(string literal)
    {
        var text = new System.Text.StringBuilder();
        for (var i = 1; i < literal.Length - 1; i++)
        {
            if (literal[i] != '\\')
            {
                text.Append(literal[i]);
                continue;
            }
            switch (literal[++i])
            {
                case 'x':
                    text.Append((char)Convert.ToInt32(literal.Substring(i + 1, 2), 16));
                    i += 2;
                    break;
                case var c:
                    text.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'a' => '\a', 'f' => '\f', 'v' => '\v', _ => c });
                    break;
            }
        }
        return text.ToString();
    }
}
