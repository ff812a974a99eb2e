using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.AspNetCore.RateLimiting;

namespace Articles.Pages.Admin;

[EnableRateLimiting(Access.SignIn)]
public sealed class LoginModel(Secrets secrets) : PageModel
{
    [BindProperty, Required]
    public string Name { get; set; } = "";

    [BindProperty, Required]
    public string Password { get; set; } = "";

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public bool IsOpen => secrets.AdminPassword is not null;

    public async Task<IActionResult> OnPostAsync()
    {
        if (!ModelState.IsValid)
            return Page();
        if (Name != "admin" || !Access.Matches(Password, secrets.AdminPassword))
        {
            ModelState.AddModelError("", "This name and password do not go together.");
            return Page();
        }

        await HttpContext.SignInAsync(Access.Principal("admin", CookieAuthenticationDefaults.AuthenticationScheme));
        return LocalRedirect(Url.IsLocalUrl(ReturnUrl) ? ReturnUrl! : "/admin");
    }
}
