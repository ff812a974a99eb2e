using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Articles.Pages.Admin;

public sealed class EditModel(ArticlesContext db, TimeProvider clock) : PageModel
{
    /// <summary>The article to edit; none for a new one.</summary>
    [BindProperty(SupportsGet = true)]
    public int? Id { get; set; }

    [BindProperty]
    public ArticleInput Input { get; set; } = new();

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellationToken)
    {
        if (Id is null)
            return Page();
        if (await db.Articles.FindAsync([Id], cancellationToken) is not { } article)
            return NotFound();
        Input = new ArticleInput { Title = article.Title, Body = article.Body };
        return Page();
    }

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellationToken)
    {
        if (!ModelState.IsValid)
            return Page();
        if (Id is null)
            db.Add(new Article { Title = Input.Title, Body = Input.Body, CreatedAt = clock.GetUtcNow() });
        else if (await db.Articles.FindAsync([Id], cancellationToken) is { } article)
            (article.Title, article.Body) = (Input.Title, Input.Body);
        else
            return NotFound();
        return await db.TrySaveAsync(cancellationToken) ? RedirectToPage("Index") : NotFound();
    }
}
