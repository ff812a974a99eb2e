using Runnel.AspNetCore.Admission;
using Runnel.Layers;
using Runnel.Workers;

namespace Runnel.AspNetCore.Jobs;

/// <summary>A socket that follows one job: its present state, then each later one.</summary>
internal sealed class JobConsumer(IJobs jobs) : JsonWebSocketConsumer, IDisposable
{
    // Of the codes that mean "stay away" (4400–4499): whoever came back would be told the same again, for ever.
    private const int NoSuchJob = 4404;
    private const int Ended = 4410;
    private const string NotKept = "There is no such job, or its state is no longer kept.";

    private readonly CancellationTokenSource _over = new();
    private Task _following = Task.CompletedTask;

    /// <summary>The consumer of a socket to a job that does not exist. It accepts first: a browser tells its page nothing of a refused handshake.</summary>
    public static void RefuseUnknown(ConsumerBuilder consumer) => consumer.OnConnect(static async (connection, cancellationToken) =>
    {
        await connection.AcceptAsync(new AcceptOptions(), cancellationToken);
        await connection.CloseAsync(NoSuchJob, NotKept, cancellationToken);
    });

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
            var hasEnded = false;
            await foreach (var status in jobs.WatchAsync(id, _over.Token))
            {
                await SendJsonAsync(status, _over.Token);
                hasEnded = status.IsFinal;
            }
            if (hasEnded)
                Close(Ended, "The job has ended.");
            else
                Close(NoSuchJob, NotKept);
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            // The client has seen enough.
        }
        catch (Exception exception)
        {
            Log.FollowingFailed(Connection.Node.Logger, exception, id);
            // Clients come back after an outage, and stay away from a fault.
            Close(exception is BackplaneUnavailableException or IOException ? CloseCode.TryAgainLater : CloseCode.InternalError, "The job's state cannot be read now.");
        }
    }

    // Not awaited: the disconnect that follows waits for this loop.
    private void Close(int code, string reason) => _ = CloseAsync(code, reason, CancellationToken.None);
}
