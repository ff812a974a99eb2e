using System.ComponentModel.DataAnnotations;

namespace Articles;

/// <summary>What a person or a program may say about an article. The API and the admin's form both check it.</summary>
public sealed class ArticleInput
{
    // PostgreSQL stores no text with the character 0.
    private const string Storable = @"[^\0]*";

    [Required, StringLength(200), RegularExpression(Storable)]
    public string Title { get; set; } = "";

    [Required, StringLength(20_000), RegularExpression(Storable)]
    public string Body { get; set; } = "";
}
