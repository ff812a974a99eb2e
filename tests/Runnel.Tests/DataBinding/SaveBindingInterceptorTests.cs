using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Runnel.EntityFrameworkCore;
using Xunit;

namespace Runnel.Tests.DataBinding;

/// <summary>What is remembered of a save that did not happen: a savepoint that is set after it is not one of its own.</summary>
public sealed class SaveBindingInterceptorTests
{
    [Theory]
    [InlineData("failed", true)]
    [InlineData("failed", false)]
    [InlineData("cancelled", true)]
    [InlineData("cancelled", false)]
    public async Task A_save_that_did_not_happen_is_forgotten(string how, bool asynchronously)
    {
        await using var library = new Library(options => options.UseInMemoryDatabase("forgotten"), b => b.Bind<Book>("books", a => a.Fields(x => x.Title)));
        var binding = library.Services.GetRequiredService<DataBinding<LibraryContext>>();
        var interceptor = binding.Interceptors.OfType<SaveBindingInterceptor>().Single();

        await library.UseAsync(async db =>
        {
            var save = new DbContextEventData(null!, null!, db);
            interceptor.SavingChanges(save, default);
            Assert.True(binding.IsSaving(db));

            await EndAsync(save, new DbContextErrorEventData(null!, null!, db, new DbUpdateException("refused")));

            Assert.False(binding.IsSaving(db));
        });

        Task EndAsync(DbContextEventData save, DbContextErrorEventData failure)
        {
            if (asynchronously)
                return how == "failed" ? interceptor.SaveChangesFailedAsync(failure) : interceptor.SaveChangesCanceledAsync(save);
            if (how == "failed")
                interceptor.SaveChangesFailed(failure);
            else
                interceptor.SaveChangesCanceled(save);
            return Task.CompletedTask;
        }
    }
}
