using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Reflection.V1;
using Lateen.Rpc;
using Lateen.Rpc.Server;
using Alpha = Grpc.Reflection.V1Alpha;

namespace Lateen.Hosting.Rpc;

/// <summary>
/// The service grpc.reflection, v1 and v1alpha (which has the same messages): tells a client such as grpcurl the services
/// of the server and their descriptors. Source: grpc/grpc doc/server-reflection.md. Immutable.
/// </summary>
public sealed class ReflectionService
{
    private static readonly RpcMethod<ServerReflectionRequest, ServerReflectionResponse> Method =
        new(RpcKind.Duplex, "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo");
    private static readonly RpcMethod<Alpha.ServerReflectionRequest, Alpha.ServerReflectionResponse> AlphaMethod =
        new(RpcKind.Duplex, "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo");
    private readonly RpcServiceTable _table;
    private readonly Dictionary<string, FileDescriptor> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _bySymbol = new(StringComparer.Ordinal);

    private ReflectionService(RpcServiceTable table, IEnumerable<FileDescriptor> files)
    {
        _table = table;
        foreach (var file in table.MessageTypes.Select(message => message.File).Concat(files)) AddFile(file);
    }

    /// <summary>
    /// Adds reflection to a table. The files of the services must be given where a service is declared in another file
    /// than its messages.
    /// </summary>
    public static void AddTo(RpcServiceTable table, params IEnumerable<FileDescriptor> files)
    {
        var service = new ReflectionService(table, [ReflectionReflection.Descriptor, Alpha.ReflectionReflection.Descriptor, .. files]);
        table.Duplex(Method, async (requests, responses, call) =>
        {
            await foreach (var request in requests.WithCancellation(call.Cancel)) await responses.WriteAsync(service.Answer(request));
        });
        table.Duplex(AlphaMethod, async (requests, responses, call) =>
        {
            await foreach (var request in requests.WithCancellation(call.Cancel))
            {
                var answer = service.Answer(ServerReflectionRequest.Parser.ParseFrom(request.ToByteString()));
                await responses.WriteAsync(Alpha.ServerReflectionResponse.Parser.ParseFrom(answer.ToByteString()));
            }
        });
    }

    private ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = new ListServiceResponse { Service = { _table.Services.Select(name => new ServiceResponse { Name = name }) } };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                Files(response, _byName.GetValueOrDefault(request.FileByFilename), request.FileByFilename);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                Files(response, _bySymbol.GetValueOrDefault(request.FileContainingSymbol), request.FileContainingSymbol);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType when _bySymbol.ContainsKey(request.AllExtensionNumbersOfType):
                response.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.None:
                response.ErrorResponse = new ErrorResponse { ErrorCode = (int)RpcStatusCode.InvalidArgument, ErrorMessage = "the request asks for nothing" };
                break;
            default:
                response.ErrorResponse = NotFound("extension");
                break;
        }
        return response;
    }

    /// <summary>A file comes with all that it imports, so that the client need not ask again.</summary>
    private static void Files(ServerReflectionResponse response, FileDescriptor? file, string asked)
    {
        if (file is null)
        {
            response.ErrorResponse = NotFound(asked);
            return;
        }
        var files = new FileDescriptorResponse();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Collect(file);
        response.FileDescriptorResponse = files;

        void Collect(FileDescriptor current)
        {
            if (!seen.Add(current.Name)) return;
            files.FileDescriptorProto.Add(current.SerializedData);
            foreach (var dependency in current.Dependencies) Collect(dependency);
        }
    }

    private static ErrorResponse NotFound(string what) => new() { ErrorCode = (int)RpcStatusCode.NotFound, ErrorMessage = $"not found: {what}" };

    private void AddFile(FileDescriptor file)
    {
        if (!_byName.TryAdd(file.Name, file)) return;
        foreach (var service in file.Services)
        {
            _bySymbol[service.FullName] = file;
            foreach (var method in service.Methods) _bySymbol[method.FullName] = file;
        }
        foreach (var message in file.MessageTypes) AddMessage(message);
        foreach (var @enum in file.EnumTypes) _bySymbol[@enum.FullName] = file;
        foreach (var dependency in file.Dependencies) AddFile(dependency);
    }

    private void AddMessage(MessageDescriptor message)
    {
        _bySymbol[message.FullName] = message.File;
        foreach (var nested in message.NestedTypes) AddMessage(nested);
        foreach (var @enum in message.EnumTypes) _bySymbol[@enum.FullName] = message.File;
    }
}
