using Lateen.Proxy.Upstream.Balancers;
using Xunit;

namespace Lateen.Proxy.Tests.Upstream;

public sealed class HashingTests
{
    /// <summary>Values of the reference implementation.</summary>
    [Theory]
    [InlineData("", 0xef46db3751d8e999)]
    [InlineData("a", 0xd24ec4f1a98c6e5b)]
    [InlineData("abc", 0x44bc2cf5ad770999)]
    [InlineData("Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1)]
    public void XxHash_is_that_of_the_reference(string text, ulong hash) => Assert.Equal(hash, Hashing.Of(text));

    /// <summary>Values of libstdc++'s std::hash&lt;std::string&gt;, which Envoy's MURMUR_HASH_2 is.</summary>
    [Theory]
    [InlineData("", 0x553e93901e462a6e)]
    [InlineData("a", 0x454ddee488c1ed6b)]
    [InlineData("10.0.0.1:80_0", 0xbd8f6461ecffb28c)]
    [InlineData("Nobody inspects the spammish repetition", 0xc3b23f5033ade0d1)]
    public void Murmur_is_that_of_the_standard_library(string text, ulong hash) => Assert.Equal(hash, Hashing.Murmur(text));
}
