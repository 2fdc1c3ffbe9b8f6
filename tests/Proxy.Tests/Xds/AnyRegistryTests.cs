using System.Reflection;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Api;
using Xunit;

namespace Lateen.Proxy.Tests.Xds;

/// <summary>Messages found by their names.</summary>
public sealed class AnyRegistryTests
{
    [Fact]
    public void Every_message_is_found_by_its_name_and_has_that_name()
    {
        var nameOf = typeof(AnyRegistry).GetMethod(nameof(AnyRegistry.NameOf))!;
        var files = typeof(AnyRegistry).Assembly.GetTypes().Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(type => (FileDescriptor)type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!).ToList();
        Assert.True(files.Count > 200);
        foreach (var message in files.SelectMany(file => file.MessageTypes))
        {
            Assert.Same(message, AnyRegistry.Find("type.googleapis.com/" + message.FullName));
            Assert.Equal(message.FullName, nameOf.MakeGenericMethod(message.ClrType).Invoke(null, null));
        }
    }

    [Fact]
    public void Json_with_messages_inside_is_read_and_an_unknown_one_refused()
    {
        const string Inside = """{"name": "x", "typedConfig": {"@type": "type.googleapis.com/envoy.config.core.v3.Address", "pipe": {"path": "/p"}}}""";
        var read = AnyRegistry.Parse<TypedExtensionConfig>(Inside);
        Assert.Equal("/p", read.TypedConfig.Unpack<Address>().Pipe.Path);
        var e = Assert.Throws<InvalidOperationException>(() => AnyRegistry.Parse<TypedExtensionConfig>(Inside.Replace("v3.Address", "v3.Nothing", StringComparison.Ordinal)));
        Assert.Contains("envoy.config.core.v3.Nothing", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_comes_out_only_as_what_it_is()
    {
        var any = Any.Pack(new Address { Pipe = new Pipe { Path = "/p" } });
        Assert.True(any.TryRead<Address>(out var address));
        Assert.Equal("/p", address.Pipe.Path);
        Assert.False(any.TryRead<Pipe>(out _));
        Assert.Throws<InvalidProtocolBufferException>(() => any.Read<Pipe>());
        any.Value = ByteString.CopyFrom(0xff);
        Assert.Throws<InvalidProtocolBufferException>(() => any.TryRead<Address>(out _));
    }
}
