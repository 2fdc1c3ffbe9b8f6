using System.Globalization;
using System.Text;
using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using Lateen.Support;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Routing;

public sealed class Re2CorpusTests
{
    /// <summary>RE2's own search tests, the column of whole-text matches. Patterns with \C are none here: Envoy matches text.</summary>
    [Fact]
    public void Whole_text_matches_are_those_of_RE2()
    {
        var (strings, wrong, checks) = (new List<string>(), new List<string>(), 0);
        var (inStrings, pattern, row) = (false, "", 0);
        System.Text.RegularExpressions.Regex? regex = null;
        foreach (var line in File.ReadLines(Corpora.Require("regex", "re2-search.txt")))
        {
            if (line.StartsWith('#') || line.Length == 0) continue;
            if (line == "strings")
            {
                strings.Clear();
                inStrings = true;
            }
            else if (line == "regexps") inStrings = false;
            else if (line.StartsWith('"'))
            {
                var text = Unquote(line);
                if (inStrings) strings.Add(text);
                else
                {
                    (pattern, row) = (text, 0);
                    try
                    {
                        regex = SafeRegex.Compile(text, "p");
                    }
                    catch (ConfigRefusedException e)
                    {
                        regex = null;
                        // .NET has no scripts: they are refused with their path, as bytes are.
                        if (!text.Contains("\\C", StringComparison.Ordinal) && !text.Contains("Greek}", StringComparison.Ordinal)) wrong.Add($"{text}: {e.Message}");
                    }
                }
            }
            else if (line.Contains(';', StringComparison.Ordinal))
            {
                var subject = strings[row++];
                // Word boundaries beyond ASCII differ, as Re2Translation says; halves of characters are no text.
                if (regex is null || pattern.Contains("\\b", StringComparison.OrdinalIgnoreCase) && subject.Any(c => c > 127)) continue;
                checks++;
                var expected = line.Split(';')[0] != "-";
                if (SafeRegex.IsMatch(regex, Encoding.UTF8.GetBytes(subject)) != expected) wrong.Add($"{pattern} on {subject}: {!expected}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(30)) + $"\n{wrong.Count} of {checks}");
        Assert.True(checks > 300, $"only {checks} checks were read");
    }

    [Theory]
    [InlineData(@"\d+", "١٢", false)]
    [InlineData(@"\w+", "é", false)]
    [InlineData(@"[\D]+", "é", true)]
    [InlineData(@"[^\W]+", "a_1", true)]
    [InlineData("a$", "a\n", false)]
    [InlineData("[[:alpha:]]+", "abZ", true)]
    [InlineData("[[:^alpha:]]+", "12", true)]
    [InlineData("[a[b]+", "[a", true)]
    [InlineData(@"\Qa.b\E", "a.b", true)]
    [InlineData(@"\Qa.b\E", "axb", false)]
    [InlineData(@"\x{1F600}", "😀", true)]
    [InlineData("(?P<name>x)y", "xy", true)]
    [InlineData("(?i)straße", "STRAßE", true)]
    [InlineData("(?U)a+", "aa", true)]
    [InlineData(@"\pL+", "é", true)]
    [InlineData("/r/[0-9]+", "/r/12", true)]
    public void Patterns_mean_what_they_mean_to_RE2(string pattern, string text, bool expected) =>
        Assert.Equal(expected, SafeRegex.IsMatch(SafeRegex.Compile(pattern, "p"), Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_hostile_text_takes_linear_time()
    {
        var regex = SafeRegex.Compile("(a*)*b", "p");
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        Assert.False(SafeRegex.IsMatch(regex, Encoding.ASCII.GetBytes(new string('a', 60_000))));
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(5));
    }

    private static string Unquote(string line)
    {
        var text = new StringBuilder();
        for (var i = 1; i < line.Length - 1; i++)
        {
            if (line[i] != '\\')
            {
                text.Append(line[i]);
                continue;
            }
            var c = line[++i];
            switch (c)
            {
                case 'x':
                    text.Append((char)int.Parse(line.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                    i += 2;
                    break;
                case 'u':
                    text.Append((char)int.Parse(line.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                    i += 4;
                    break;
                case >= '0' and <= '7':
                    text.Append((char)Convert.ToInt32(line.Substring(i, 3), 8));
                    i += 2;
                    break;
                default:
                    text.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'f' => '\f', 'v' => '\v', 'a' => '\a', _ => c });
                    break;
            }
        }
        return text.ToString();
    }
}
