using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Payments;

/// <summary>Orders over HTTP: paid, repaired and looked at.</summary>
internal static partial class OrdersApi
{
    private const string IdPattern = "^[A-Za-z0-9_-]{1,64}$";

    public static void MapOrdersApi(this IEndpointRouteBuilder app)
    {
        var orders = app.MapGroup("/api/orders");
        orders.MapGet("/", (ClaimsPrincipal user, OrderStore store) => store.ListAsync(Visitor.Of(user), 50));
        orders.MapGet("/{id}", GetAsync);
        orders.MapPost("/{id}/pay", PayAsync);
        orders.MapPut("/{id}", RepairAsync);
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_-]{1,64}\z")]
    private static partial Regex IdRule();

    /// <summary>Whether the text can be an order's id; the names of groups have room for so much.</summary>
    public static bool IsOrderId(string id) => IdRule().IsMatch(id);

    private static async Task<Results<Ok<Order>, NotFound>> GetAsync(string id, ClaimsPrincipal user, OrderStore orders) =>
        await orders.FindAsync(id) is { } order && order.Owner == Visitor.Of(user) ? TypedResults.Ok(order) : TypedResults.NotFound();

    private static async Task<Results<Accepted<Order>, ProblemHttpResult>> PayAsync(
        [RegularExpression(IdPattern)] string id, PayInput input, ClaimsPrincipal user, OrderStore orders, Payment payment, OrderNews news)
    {
        if (await orders.PayAsync(id, Visitor.Of(user), input.Nonce, input.Total) is { } accepted)
        {
            // Written first, told second, so that what a worker tells of it comes behind, and sent last: what a crash leaves in between, the reconciliation finds.
            await news.PublishAsync(accepted, CancellationToken.None);
            await payment.BeginAsync(accepted, CancellationToken.None);
            return TypedResults.Accepted($"/api/orders/{id}", accepted);
        }
        var present = (await orders.FindAsync(id))!;
        if (present.Owner != Visitor.Of(user))
            return TypedResults.Problem($"The id {id} is taken.", statusCode: StatusCodes.Status409Conflict);
        return present.Nonce == input.Nonce && present.Total == input.Total
            ? TypedResults.Accepted($"/api/orders/{id}", present) // asked for twice, paid once
            : TypedResults.Problem($"Order {id} is {present.State} already.", statusCode: StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Ok<Order>, NotFound, ProblemHttpResult>> RepairAsync(
        string id, RepairInput input, ClaimsPrincipal user, OrderStore orders, OrderNews news, CancellationToken cancellationToken)
    {
        if (await orders.FindAsync(id) is not { } order || order.Owner != Visitor.Of(user))
            return TypedResults.NotFound();
        if (await orders.RepairAsync(id, input.Nonce) is { } repaired)
        {
            await news.PublishAsync(repaired, cancellationToken);
            return TypedResults.Ok(repaired);
        }
        return TypedResults.Problem($"Order {id} is charged already: there is nothing to repair.", statusCode: StatusCodes.Status409Conflict);
    }
}

/// <summary>What a client says to pay an order.</summary>
/// <param name="Nonce">The means of payment, as the gateway's own form made it.</param>
/// <param name="Total">What is to be paid.</param>
public sealed record PayInput([Required, StringLength(64)] string Nonce, [Range(0.01, 1_000_000)] decimal Total);

/// <summary>What a person says to repair an order.</summary>
/// <param name="Nonce">The means of payment from now on.</param>
public sealed record RepairInput([Required, StringLength(64)] string Nonce);
