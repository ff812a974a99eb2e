using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore;

/// <summary>A socket that follows one job: its present state, then each later one.</summary>
internal sealed class JobConsumer(IJobs jobs) : JsonWebSocketConsumer, IDisposable
{
    private readonly CancellationTokenSource _over = new();
    private Task _following = Task.CompletedTask;

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        if (MessageId.TryParse(Scope.RouteValue("id"), out var id))
            _following = FollowAsync(id);
    }

    public override async Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        await _over.CancelAsync();
        await _following.WaitAsync(cancellationToken);
    }

    public void Dispose() => _over.Dispose();

    private async Task FollowAsync(MessageId id)
    {
        try
        {
            await foreach (var status in jobs.WatchAsync(id, _over.Token))
                await SendJsonAsync(status, _over.Token);
            Close(CloseCode.Normal, "The job has ended.");
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            // The client has seen enough.
        }
        catch (Exception exception)
        {
            Log.FollowingFailed(Connection.Node.Logger, exception, id);
            Close(CloseCode.InternalError, "The job's state cannot be read now.");
        }
    }

    // Not awaited: the disconnect that follows waits for this loop.
    private void Close(int code, string reason) => _ = CloseAsync(code, reason, CancellationToken.None);
}
