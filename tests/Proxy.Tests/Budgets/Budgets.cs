using System.Text.Json;

namespace Lateen.Proxy.Tests.Budgets;

/// <summary>The costs that are promised, from bench/budgets.json. Immutable.</summary>
internal sealed record Budgets(long BytesAllocatedPerHttp1Request, long BytesPerIdleConnection)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    /// <summary>Reads the file of this checkout.</summary>
    public static Budgets Read()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lateen.slnx"))) folder = folder.Parent ?? throw new InvalidOperationException("These tests run from inside the repository.");
        return JsonSerializer.Deserialize<Budgets>(File.ReadAllText(Path.Combine(folder.FullName, "bench", "budgets.json")), CamelCase)!;
    }
}
