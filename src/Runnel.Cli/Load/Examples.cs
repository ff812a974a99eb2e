namespace Runnel.Cli.Load;

/// <summary>A few sentences about what went wrong, and a count of those that did not fit. A connection that says much does not keep others from being heard.</summary>
internal sealed class Examples
{
    /// <summary>The most sentences.</summary>
    public const int Most = 20;

    private const int MostOfOneConnection = 3;

    private readonly Lock _lock = new();
    private readonly List<string> _sentences = [];
    private readonly Dictionary<int, int> _ofConnections = [];
    private long _more;

    public void Add(int connection, string sentence)
    {
        lock (_lock)
        {
            var said = _ofConnections.GetValueOrDefault(connection);
            if (_sentences.Count == Most || said == MostOfOneConnection)
            {
                _more++;
                return;
            }
            _ofConnections[connection] = said + 1;
            _sentences.Add($"connection {connection}: {sentence}");
        }
    }

    /// <summary>The sentences, and how many more there were.</summary>
    public (IReadOnlyList<string> Sentences, long More) Read()
    {
        lock (_lock)
            return ([.. _sentences], _more);
    }
}
