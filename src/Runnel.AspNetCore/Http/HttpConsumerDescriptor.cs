using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Runnel.AspNetCore.Admission;

namespace Runnel.AspNetCore.Http;

/// <summary>A kind of <see cref="HttpConsumer"/>: how one is made and run.</summary>
internal sealed class HttpConsumerDescriptor(Type type)
{
    private readonly ObjectFactory _create = ActivatorUtilities.CreateFactory(type, []);

    /// <summary>The consumer's name, for logs.</summary>
    public string Name => type.Name;

    /// <summary>The attributes of the class, such as <c>[Authorize]</c>.</summary>
    public IReadOnlyList<object> Metadata { get; } = type.GetCustomAttributes(inherit: true);

    /// <summary>Has a new consumer answer a request.</summary>
    /// <returns>Whether it did so well. If not, that was logged, and a response that had not started is a 500.</returns>
    public async Task<bool> AnswerAsync(IServiceProvider services, NodeContext node, HttpConsumerRequest request, HttpConsumerResponse response, CancellationToken cancellationToken)
    {
        try
        {
            await using (var scope = services.CreateAsyncScope())
            {
                var consumer = (HttpConsumer)_create(scope.ServiceProvider, []);
                try
                {
                    await consumer.OnRequestAsync(request, response, cancellationToken);
                }
                finally
                {
                    await DisposeAsync(consumer);
                }
            }
            await response.StartAsync(cancellationToken);
            return true;
        }
        catch (Exception exception)
        {
            // Nobody waits for what it says any more.
            if (cancellationToken.IsCancellationRequested)
                return false;
            Log.HttpConsumerFailed(node.Logger, exception, Name, request.Method, request.Scope.Path);
            if (response.HasStarted)
                return false;
            response.StatusCode = StatusCodes.Status500InternalServerError;
            response.Headers.Clear();
            await response.StartAsync(cancellationToken);
            return true;
        }
    }

    private static ValueTask DisposeAsync(HttpConsumer consumer)
    {
        if (consumer is IAsyncDisposable disposable)
            return disposable.DisposeAsync();
        (consumer as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }
}
