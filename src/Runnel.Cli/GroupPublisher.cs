using System.Text;
using System.Text.Json;
using Runnel.Cli.Load;
using Runnel.Cli.Sockets;
using Runnel.Layers;

namespace Runnel.Cli;

/// <summary>Publishes to a group, through the layer that the application uses.</summary>
internal sealed class GroupPublisher(IGroups groups, GroupName group, TimeSpan timeout) : IMessagePublisher
{
    public async Task PublishAsync(string body, CancellationToken cancellationToken)
    {
        try
        {
            var sending = ToolJson.TryRead(Encoding.UTF8.GetBytes(body)) is { } json
                ? groups.SendJsonAsync<JsonElement>(group, json, cancellationToken)
                : groups.SendAsync(group, body, cancellationToken);
            await sending.AsTask().WaitAsync(timeout, TimeProvider.System, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new FaultException(FaultKind.TimedOut, "publish", $"Sending to group '{group}' took longer than {timeout.TotalSeconds} s.");
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            throw new FaultException(FaultKind.NotPublished, exception.GetType().Name, $"Sending to group '{group}' failed: {exception.Message}");
        }
    }
}
