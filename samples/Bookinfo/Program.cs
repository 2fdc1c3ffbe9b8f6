using System.Text.Json.Serialization;
using Lateen.Samples.Bookinfo;

// bookinfo <productpage|details|reviews|ratings> [port] [--version v1|v2|v3] [--bind ADDRESS]
// One program in four roles, with the ports, paths and JSON that Istio's Bookinfo images have.
var options = BookinfoOptions.Parse(args, Environment.GetEnvironmentVariable);
if (options is null)
{
    Console.Error.WriteLine("usage: bookinfo productpage|details|reviews|ratings [port] [--version v1|v2|v3] [--bind ADDRESS]");
    return 64;
}

// The folder that a container starts in is the whole machine's root: settings are neither read from there nor watched for.
var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
builder.WebHost.UseUrls(options.Url);
builder.Services.ConfigureHttpJsonOptions(json =>
{
    json.SerializerOptions.TypeInfoResolverChain.Insert(0, BookinfoJson.Default);
    json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
});

var app = builder.Build();
app.UseAccessLog();
switch (options.Role)
{
    case "productpage":
        ProductPage.Map(app, new Backends(options));
        break;
    case "details":
        Details.Map(app);
        break;
    case "reviews":
        Reviews.Map(app, new Backends(options), options.Version);
        break;
    case "ratings":
        Ratings.Map(app);
        break;
}

await app.StartAsync();
Console.WriteLine($"{options.Role} {options.Version} listens on {options.Url}");
await app.WaitForShutdownAsync();
return 0;
