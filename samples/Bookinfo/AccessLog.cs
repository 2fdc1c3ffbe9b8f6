using System.Diagnostics;

namespace Lateen.Samples.Bookinfo;

/// <summary>One line on standard output for each request, so that <c>kubectl logs</c> shows which version served it.</summary>
internal static class AccessLog
{
    public static void UseAccessLog(this WebApplication app) => app.Use(async (context, next) =>
    {
        var started = Stopwatch.GetTimestamp();
        await next(context);
        if (context.Request.Path == "/health") return;
        Console.WriteLine(
            $"{DateTime.UtcNow:O} {context.Request.Method} {context.Request.Path}{context.Request.QueryString} " +
            $"{context.Response.StatusCode} {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F1}ms");
    });
}
