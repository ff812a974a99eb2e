using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Runnel.Specification;
using Runnel.Tests.Connections;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>One save of many rows, and the clients that it goes to.</summary>
public sealed class DataBindingBurstTests
{
    private const int Rows = 5_000;

    [Fact]
    public async Task A_save_of_five_thousand_rows_cuts_nobody_who_reads_and_all_of_them_arrive_in_their_order()
    {
        var database = $"{Guid.NewGuid()}";
        await using var app = await RunnelApp.StartAsync(
            app => app.MapConsumer<Member>("/books"),
            builder =>
            {
                builder.Services.AddDbContext<LibraryContext>(options => options.UseInMemoryDatabase(database));
                builder.Services.AddRunnel().AddDataBinding<LibraryContext>(binding => binding.Bind<Book>("books", a => a.Fields(x => x.Title)));
            });
        var readers = new List<Task<List<int>>>();
        for (var i = 0; i < 10; i++)
        {
            var client = await app.ConnectAsync("/books");
            readers.Add(Task.Run(async () =>
            {
                var keys = new List<int>();
                while (keys.Count < Rows)
                    keys.Add(JsonElement.Parse((await client.ReceiveAsync()).Content).GetProperty("pk").GetInt32());
                return keys;
            }));
        }
        await app.JoinedAsync("books", readers.Count);

        await using (var scope = app.Services.CreateAsyncScope())
        {
            var library = scope.ServiceProvider.GetRequiredService<LibraryContext>();
            library.AddRange(Enumerable.Range(1, Rows).Select(static number => new Book { Id = number, Title = $"Volume {number}" }));
            Assert.Equal(Rows, await library.SaveChangesAsync());
        }

        foreach (var reader in readers)
            Assert.Equal(Enumerable.Range(1, Rows), await Wait.For(reader, "all rows"));
        Assert.Empty(app.Logs.Of(2004));
    }

    private sealed class Member : WebSocketConsumer
    {
        public override async Task OnConnectAsync(CancellationToken cancellationToken)
        {
            await AcceptAsync(cancellationToken);
            await Groups.AddAsync("books", cancellationToken);
        }
    }
}
