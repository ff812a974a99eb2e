using System.ComponentModel.DataAnnotations;

namespace Articles;

/// <summary>What a person or a program may say about an article. The API and the admin's form both check it.</summary>
public sealed class ArticleInput
{
    [Required, StringLength(200)]
    public string Title { get; set; } = "";

    [Required, StringLength(20_000)]
    public string Body { get; set; } = "";
}
