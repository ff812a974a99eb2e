using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Runnel.EntityFrameworkCore;

/// <summary>Puts the bindings against the context's model when the host starts, so that a mistake is met there and not by the first save.</summary>
internal sealed class BindingCheckService<TContext>(IServiceProvider services, DataBinding<TContext> binding) : IHostedService
    where TContext : DbContext
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var scope = services.CreateAsyncScope();
        var context = scope.ServiceProvider.GetService<TContext>() ?? throw new InvalidOperationException(
            $"AddDataBinding<{typeof(TContext).Name}>() needs the context itself: register it with AddDbContext<{typeof(TContext).Name}>(…).");
        binding.Resolve(context.Model);

        var interceptors = context.GetService<IDbContextOptions>().FindExtension<CoreOptionsExtension>()?.Interceptors;
        if (interceptors?.OfType<SaveBindingInterceptor>().Any() is not true)
        {
            throw new InvalidOperationException(
                $"{typeof(TContext).Name} is bound to groups but its options do not come from the service collection, so that its saves would "
                + $"go unnoticed: register it with AddDbContext<{typeof(TContext).Name}>(…) and take DbContextOptions in its constructor.");
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
