using System.Text.Json.Nodes;
using Lateen.EmbeddedCluster.Schemas;

namespace Lateen.EmbeddedCluster.ApiServer;

/// <summary>A request ends with an error that the client sees as a Status object of kind Failure.</summary>
internal sealed class ApiException : Exception
{
    public ApiException(int code, string reason, string message, JsonObject? details = null)
        : base(message)
    {
        Code = code;
        Reason = reason;
        Details = details;
    }

    /// <summary>The HTTP status code.</summary>
    public int Code { get; }

    /// <summary>The machine-readable reason of Kubernetes' Status, empty for none.</summary>
    public string Reason { get; }

    /// <summary>Details of the Status.</summary>
    public JsonObject? Details { get; }

    /// <summary>Seconds to wait before another try, null for none.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The Status object.</summary>
    public JsonObject ToStatus() => Status(Code, Reason, Message, Details?.DeepClone() as JsonObject);

    public static JsonObject Status(int code, string reason, string message, JsonObject? details)
    {
        var status = new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Failure" };
        if (message.Length > 0) status["message"] = message;
        if (reason.Length > 0) status["reason"] = reason;
        if (details is { Count: > 0 }) status["details"] = details;
        status["code"] = code;
        return status;
    }

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException NotFound(string group, string plural, string name) =>
        new(404, "NotFound", $"{Qualified(plural, group)} \"{name}\" not found", About(group, plural, name));

    public static ApiException AlreadyExists(string group, string plural, string name) =>
        new(409, "AlreadyExists", $"{Qualified(plural, group)} \"{name}\" already exists", About(group, plural, name));

    public static ApiException Conflict(string group, string plural, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {Qualified(plural, group)} \"{name}\": {why}", About(group, plural, name));

    /// <summary>An update was based on an older revision.</summary>
    public static ApiException Stale(string group, string plural, string name) =>
        Conflict(group, plural, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiException Forbidden(string group, string plural, string name, string why, params JsonObject[] causes)
    {
        var details = About(group, plural, name);
        if (causes.Length > 0) details["causes"] = new JsonArray([.. causes]);
        var named = name.Length == 0 ? Qualified(plural, group) : $"{Qualified(plural, group)} \"{name}\"";
        return new(403, "Forbidden", $"{named} is forbidden: {why}", details);
    }

    /// <summary>The object breaks rules of its kind.</summary>
    public static ApiException Invalid(string group, string kind, string name, IReadOnlyList<FieldProblem> problems)
    {
        var details = About(group, kind, name);
        details["causes"] = new JsonArray([.. problems.Select(problem => Cause(problem.Reason, problem.Message, problem.Path))]);
        var all = problems.Select(problem => problem.ToString()).Distinct().ToArray();
        var text = all.Length == 1 ? all[0] : $"[{string.Join(", ", all)}]";
        return new(422, "Invalid", $"{Qualified(kind, group)} \"{name}\" is invalid: {text}", details);
    }

    public static ApiException MethodNotAllowed() => new(405, "MethodNotAllowed",
        "the server does not allow this method on the requested resource", []);

    /// <summary>No such path.</summary>
    public static ApiException NoSuchPath() => new(404, "NotFound", "the server could not find the requested resource", []);

    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiException Expired(string message) => new(410, "Expired", message);

    public static ApiException UnsupportedMediaType(string supported) => new(415, "UnsupportedMediaType",
        $"the body of the request was in an unknown format - accepted media types include: {supported}");

    public static ApiException NotAcceptable() => new(406, "NotAcceptable",
        "only the following media types are accepted: application/json, application/yaml");

    public static ApiException TooLargeRevision(string message) => new(504, "Timeout", message, new JsonObject
    {
        ["causes"] = new JsonArray(Cause("ResourceVersionTooLarge", "Too large resource version", null)), ["retryAfterSeconds"] = 1,
    })
    { RetryAfterSeconds = 1 };

    public static ApiException InternalError(string message) => new(500, "InternalError", $"Internal error occurred: {message}",
        new JsonObject { ["causes"] = new JsonArray(Cause(null, message, null)) });

    public static JsonObject Cause(string? reason, string message, string? field)
    {
        var cause = new JsonObject();
        if (reason is not null) cause["reason"] = reason;
        cause["message"] = message;
        if (!string.IsNullOrEmpty(field)) cause["field"] = field;
        return cause;
    }

    private static JsonObject About(string group, string kind, string name)
    {
        var details = new JsonObject();
        if (name.Length > 0) details["name"] = name;
        if (group.Length > 0) details["group"] = group;
        details["kind"] = kind;
        return details;
    }

    private static string Qualified(string name, string group) => group.Length == 0 ? name : $"{name}.{group}";
}
