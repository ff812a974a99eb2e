namespace Articles;

public sealed class Article
{
    public int Id { get; init; }

    public required string Title { get; set; }

    public required string Body { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }
}
