using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Api;

namespace Lateen.Proxy.Tests.Situations;

/// <summary>Which fields of which messages the proxy looks at: those whose getters its assembly calls.</summary>
internal sealed class ReadFields
{
    private readonly Dictionary<string, HashSet<string>> _calls = new(StringComparer.Ordinal);

    public ReadFields()
    {
        using var assembly = new PEReader(File.OpenRead(typeof(ProxyServer).Assembly.Location));
        var names = assembly.GetMetadataReader();
        foreach (var handle in names.MemberReferences)
        {
            var member = names.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference) continue;
            var type = NameOf(names, (TypeReferenceHandle)member.Parent);
            if (!_calls.TryGetValue(type, out var calls)) _calls[type] = calls = new HashSet<string>(StringComparer.Ordinal);
            calls.Add(names.GetString(member.Name));
        }
    }

    /// <summary>Something of the message is looked at.</summary>
    public bool Knows(MessageDescriptor message) => _calls.TryGetValue(message.ClrType.FullName!, out var calls) && calls.Any(call => call.StartsWith("get_", StringComparison.Ordinal) && call != "get_Descriptor" && call != "get_Parser");

    /// <summary>The field is looked at, or which field of its group is set.</summary>
    public bool Reads(FieldDescriptor field)
    {
        if (!_calls.TryGetValue(field.ContainingType.ClrType.FullName!, out var calls)) return false;
        var name = Pascal(field.Name);
        return calls.Contains("get_" + name) || calls.Contains("get_" + name + "_") || calls.Contains("get_Has" + name)
            || field.RealContainingOneof is { } oneof && calls.Contains($"get_{Pascal(oneof.Name)}Case");
    }

    /// <summary>Messages that configuration is made of, those that come as Any included.</summary>
    public IReadOnlyList<MessageDescriptor> Messages()
    {
        var (seen, left) = (new HashSet<string>(StringComparer.Ordinal), new Stack<MessageDescriptor>());
        foreach (var root in new[] { "bootstrap.v3.Bootstrap", "listener.v3.Listener", "cluster.v3.Cluster", "route.v3.RouteConfiguration", "endpoint.v3.ClusterLoadAssignment" }) left.Push(AnyRegistry.Find("envoy.config." + root)!);
        left.Push(AnyRegistry.Find("envoy.extensions.transport_sockets.tls.v3.Secret")!);
        foreach (var type in typeof(AnyRegistry).Assembly.GetTypes().Where(type => typeof(IMessage).IsAssignableFrom(type) && (type.Namespace?.StartsWith("Envoy.Extensions.", StringComparison.Ordinal) == true || type.Namespace?.StartsWith("Envoy.Config.Trace.", StringComparison.Ordinal) == true)))
            left.Push(((IMessage)Activator.CreateInstance(type)!).Descriptor);
        var messages = new List<MessageDescriptor>();
        while (left.TryPop(out var message))
        {
            if (!seen.Add(message.FullName) || !Knows(message)) continue;
            messages.Add(message);
            foreach (var field in message.Fields.InDeclarationOrder().Where(field => field.FieldType == FieldType.Message && !field.IsMap && Reads(field))) left.Push(field.MessageType);
        }
        return messages.Where(message => message.FullName.StartsWith("envoy.", StringComparison.Ordinal)).OrderBy(message => message.FullName, StringComparer.Ordinal).ToArray();
    }

    private static string NameOf(MetadataReader names, TypeReferenceHandle handle)
    {
        var type = names.GetTypeReference(handle);
        if (type.ResolutionScope.Kind == HandleKind.TypeReference) return NameOf(names, (TypeReferenceHandle)type.ResolutionScope) + "+" + names.GetString(type.Name);
        return type.Namespace.IsNil ? names.GetString(type.Name) : names.GetString(type.Namespace) + "." + names.GetString(type.Name);
    }

    /// <summary>The name that protoc gives a field's property.</summary>
    private static string Pascal(string name)
    {
        var text = new StringBuilder();
        var upper = true;
        foreach (var c in name)
        {
            if (char.IsAsciiLetterOrDigit(c)) text.Append(upper ? char.ToUpperInvariant(c) : c);
            upper = !char.IsAsciiLetter(c);
        }
        return text.ToString();
    }
}
