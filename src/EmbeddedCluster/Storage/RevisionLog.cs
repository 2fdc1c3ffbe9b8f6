using Microsoft.Data.Sqlite;

namespace Lateen.EmbeddedCluster.Storage;

/// <summary>One row of the log.</summary>
/// <param name="Object">The state written, or the last state of a removed object.</param>
/// <param name="Deleted">True for a removal.</param>
/// <param name="Previous">Revision that this one replaced, 0 for an addition.</param>
internal sealed record RevisionRow(StoredObject Object, bool Deleted, long Previous);

/// <summary>
/// The durable log of revisions in SQLite, in the shape of k3s's kine: one row per write, its id the resourceVersion.
/// Owned by one thread at a time.
/// </summary>
internal sealed class RevisionLog : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;

    /// <summary>Opens or makes the file. A commit has reached the disk when <see cref="Append"/> returns.</summary>
    public RevisionLog(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL");
        Execute("PRAGMA synchronous=FULL");
        Execute("PRAGMA locking_mode=EXCLUSIVE");
        Execute("PRAGMA journal_size_limit=8388608");
        Execute("""
            CREATE TABLE IF NOT EXISTS revisions (
              id INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
              deleted INTEGER NOT NULL, previous INTEGER NOT NULL, value BLOB NOT NULL)
            """);
        Execute("CREATE INDEX IF NOT EXISTS revisions_previous ON revisions (previous)");
        Execute("CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL)");
        _insert = _connection.CreateCommand();
        _insert.CommandText = "INSERT INTO revisions (id, resource, namespace, name, deleted, previous, value) VALUES ($i, $r, $s, $n, $d, $p, $v)";
        foreach (var name in (string[])["$i", "$r", "$s", "$n", "$d", "$p", "$v"])
            _insert.Parameters.Add(new SqliteParameter { ParameterName = name });
        _insert.Prepare();
    }

    /// <summary>The compaction mark: rows up to it may be missing. 0 at first.</summary>
    public long ReadFloor() => Scalar("SELECT value FROM marks WHERE name = 'floor'");

    /// <summary>Every row that is kept, oldest first.</summary>
    public IEnumerable<RevisionRow> ReadAll()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT id, resource, namespace, name, deleted, previous, value FROM revisions ORDER BY id";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var key = new ObjectKey(string.Intern(reader.GetString(1)), string.Intern(reader.GetString(2)), reader.GetString(3));
            var value = new StoredObject(key, reader.GetInt64(0), (byte[])reader.GetValue(6));
            yield return new RevisionRow(value, reader.GetInt64(4) != 0, reader.GetInt64(5));
        }
    }

    /// <summary>Writes the rows in one transaction; all or none.</summary>
    public void Append(IReadOnlyList<RevisionRow> rows)
    {
        using var transaction = _connection.BeginTransaction();
        _insert.Transaction = transaction;
        foreach (var row in rows)
        {
            var values = _insert.Parameters;
            values[0].Value = row.Object.Revision;
            values[1].Value = row.Object.Key.Resource;
            values[2].Value = row.Object.Key.Namespace;
            values[3].Value = row.Object.Key.Name;
            values[4].Value = row.Deleted ? 1 : 0;
            values[5].Value = row.Previous;
            values[6].Value = row.Object.Json.ToArray();
            _insert.ExecuteNonQuery();
        }
        transaction.Commit();
    }

    /// <summary>Forgets rows that were replaced at or before a revision, and removals up to it.</summary>
    public void Compact(long floor)
    {
        using var transaction = _connection.BeginTransaction();
        using var command = _connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """
            DELETE FROM revisions WHERE id IN (SELECT previous FROM revisions WHERE id <= $f AND previous > 0);
            DELETE FROM revisions WHERE id <= $f AND deleted = 1;
            INSERT INTO marks (name, value) VALUES ('floor', $f) ON CONFLICT (name) DO UPDATE SET value = $f;
            """;
        command.Parameters.AddWithValue("$f", floor);
        command.ExecuteNonQuery();
        transaction.Commit();
    }

    public void Dispose()
    {
        _insert.Dispose();
        _connection.Dispose();
    }

    private void Execute(string text)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private long Scalar(string text)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar() is long value ? value : 0;
    }
}
