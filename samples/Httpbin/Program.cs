using Lateen.Samples.Httpbin;

// httpbin [port] [--style python|go] [--bind ADDRESS]
// Echoes requests and plays responses, with the paths of the two public httpbin images that Istio's samples use. They
// differ in how they write headers and query: python as strings, go as lists of strings.
var options = HttpbinOptions.Parse(args);
if (options is null)
{
    Console.Error.WriteLine("usage: httpbin [port] [--style python|go] [--bind ADDRESS]");
    return 64;
}

// The folder that a container starts in is the whole machine's root: settings are neither read from there nor watched for.
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
builder.WebHost.UseUrls(options.Url);

var app = builder.Build();
var echo = new Echo(options.ListsOfValues);
InspectionEndpoints.Map(app, echo);
ResponseEndpoints.Map(app, echo);
StreamEndpoints.Map(app, echo);

await app.StartAsync();
Console.WriteLine($"httpbin listens on {options.Url}");
await app.WaitForShutdownAsync();
return 0;
