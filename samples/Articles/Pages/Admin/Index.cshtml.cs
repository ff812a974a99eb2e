using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;

namespace Articles.Pages.Admin;

public sealed class IndexModel(ArticlesContext db) : PageModel
{
    public IReadOnlyList<Article> Articles { get; private set; } = [];

    /// <summary>Only articles older than this one.</summary>
    [BindProperty(SupportsGet = true), Range(1, int.MaxValue)]
    public int Before { get; set; } = int.MaxValue;

    public bool IsFull => Articles.Count == ArticlesContext.MostOfAPage;

    public async Task OnGetAsync(CancellationToken cancellationToken) =>
        Articles = await db.Before(Before).Take(ArticlesContext.MostOfAPage).ToListAsync(cancellationToken);

    public async Task<IActionResult> OnPostDeleteAsync(int id, CancellationToken cancellationToken)
    {
        // Gone already is as good as deleted.
        if (await db.Articles.FindAsync([id], cancellationToken) is { } article)
        {
            db.Remove(article);
            await db.TrySaveAsync(cancellationToken);
        }

        return RedirectToPage();
    }

    public async Task<IActionResult> OnPostSignOutAsync()
    {
        await HttpContext.SignOutAsync();
        return Redirect("/");
    }
}
