using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Articles;

/// <summary>The articles over HTTP: anybody reads, the admin and who has the key write.</summary>
internal static class ArticlesApi
{
    public static void MapArticlesApi(this IEndpointRouteBuilder app)
    {
        var articles = app.MapGroup("/api/articles");
        articles.MapGet("/", List);
        articles.MapGet("/{id:int}", Get).WithName("article");

        var writing = articles.MapGroup("").RequireAuthorization(Access.Write);
        writing.MapPost("/", Create);
        writing.MapPut("/{id:int}", Update);
        writing.MapDelete("/{id:int}", Delete);
    }

    // A page, newest first; the link in its head leads to the next one.
    private static async Task<Ok<List<Article>>> List(
        ArticlesContext db, HttpResponse response, [Range(1, ArticlesContext.MostOfAPage)] int take = ArticlesContext.MostOfAPage, [Range(1, int.MaxValue)] int before = int.MaxValue,
        CancellationToken cancellationToken = default)
    {
        var page = await db.Before(before).Take(take).ToListAsync(cancellationToken);
        if (page.Count == take)
            response.Headers.Link = $"</api/articles?take={take}&before={page[^1].Id}>; rel=\"next\"";
        return TypedResults.Ok(page);
    }

    private static async Task<Results<Ok<Article>, NotFound>> Get(int id, ArticlesContext db, CancellationToken cancellationToken) =>
        await db.Latest.SingleOrDefaultAsync(article => article.Id == id, cancellationToken) is { } article
            ? TypedResults.Ok(article)
            : TypedResults.NotFound();

    private static async Task<CreatedAtRoute<Article>> Create(
        ArticleInput input, ArticlesContext db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var article = new Article { Title = input.Title, Body = input.Body, CreatedAt = clock.GetUtcNow() };
        db.Add(article);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.CreatedAtRoute(article, "article", new { article.Id });
    }

    private static async Task<Results<Ok<Article>, NotFound>> Update(
        int id, ArticleInput input, ArticlesContext db, CancellationToken cancellationToken)
    {
        if (await db.Articles.FindAsync([id], cancellationToken) is not { } article)
            return TypedResults.NotFound();
        (article.Title, article.Body) = (input.Title, input.Body);
        return await db.TrySaveAsync(cancellationToken) ? TypedResults.Ok(article) : TypedResults.NotFound();
    }

    private static async Task<Results<NoContent, NotFound>> Delete(int id, ArticlesContext db, CancellationToken cancellationToken)
    {
        if (await db.Articles.FindAsync([id], cancellationToken) is not { } article)
            return TypedResults.NotFound();
        db.Remove(article);
        return await db.TrySaveAsync(cancellationToken) ? TypedResults.NoContent() : TypedResults.NotFound();
    }
}
