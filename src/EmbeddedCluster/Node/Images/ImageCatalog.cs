namespace Lateen.EmbeddedCluster.Node.Images;

/// <summary>The image map as its files have it now: read again when one changes. Any thread.</summary>
internal sealed class ImageCatalog(IReadOnlyList<string> files)
{
    private readonly Lock _gate = new();
    private ImageMap? _map;
    private DateTime _newest;

    /// <summary>Where a user may add an image; for messages.</summary>
    public string Files => files.Count > 0 ? string.Join(", ", files) : "no file";

    /// <summary>The program for an image.</summary>
    /// <returns>Null when no entry fits.</returns>
    /// <exception cref="FormatException">A file was changed and cannot be read now.</exception>
    public ImageConfig? Find(string image)
    {
        lock (_gate)
        {
            var newest = files.Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max();
            if (_map is null || newest != _newest)
            {
                _map = ImageMap.Load(files);
                _newest = newest;
            }
            return _map.Find(image);
        }
    }
}
