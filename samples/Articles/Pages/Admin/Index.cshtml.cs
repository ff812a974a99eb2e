using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.EntityFrameworkCore;

namespace Articles.Pages.Admin;

public sealed class IndexModel(ArticlesContext db) : PageModel
{
    public IReadOnlyList<Article> Articles { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancellationToken) =>
        Articles = await db.Latest.Take(100).ToListAsync(cancellationToken);

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
