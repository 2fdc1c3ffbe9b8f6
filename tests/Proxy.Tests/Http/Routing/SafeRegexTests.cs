using Lateen.Proxy.Compile;
using Lateen.Proxy.Http.Routing;
using Xunit;

namespace Lateen.Proxy.Tests.Http.Routing;

public sealed class SafeRegexTests
{
    [Theory]
    [InlineData("a|b", "a", true)]
    [InlineData("a|b", "ab", false)]
    [InlineData("/v[0-9]+/.*", "/v12/x", true)]
    [InlineData("/v[0-9]+/.*", "x/v12/x", false)]
    public void TheWholeTextMustMatch(string pattern, string text, bool expected) =>
        Assert.Equal(expected, SafeRegex.IsMatch(SafeRegex.Compile(pattern, "p"), System.Text.Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("a)|(b")]
    [InlineData("a)|(?:b")]
    [InlineData("(a")]
    [InlineData("[")]
    [InlineData("(?=a)b")]
    [InlineData("(a)\\1")]
    public void WhatIsNoExpressionOfRe2IsRefusedWithItsPath(string pattern) =>
        Assert.Contains("match.safe_regex", Assert.Throws<ConfigRefusedException>(() => SafeRegex.Compile(pattern, "match.safe_regex")).Message);
}
