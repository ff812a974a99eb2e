using System.Globalization;
using System.Runtime.InteropServices;

namespace Runnel.TestApp;

/// <summary>Answers numbered commands, and counts them in what its connection keeps: <c>COMMAND COUNT once|again PROCESS</c>.</summary>
internal sealed class CommandConsumer : WebSocketConsumer, IDisposable
{
    private static int _made, _disposed, _ended;

    public CommandConsumer() => Interlocked.Increment(ref _made);

    /// <summary>Says what has become of all consumers of this process, if there were any.</summary>
    public static Task SayWhatBecameOfThemAsync() => _made == 0 ? Task.CompletedTask : Console.Out.WriteLineAsync($"consumers: {_made} made, {_disposed} disposed, {_ended} ended");

    public override async Task OnConnectAsync(CancellationToken cancellationToken)
    {
        await AcceptAsync(cancellationToken);
        await Groups.AddAsync("articles", cancellationToken);
        await SendAsync("ready", cancellationToken);
    }

    public override Task OnAdoptAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
    {
        var count = Connection.GetKept<int>() + 1;
        Connection.Keep(count);
        var isLong = text.EndsWith('!') && !Connection.IsRedelivered;
        if (isLong)
            await StandStillAsync(text);
        await SendAsync(string.Create(CultureInfo.InvariantCulture, $"{text.TrimEnd('!')} {count} {(Connection.IsRedelivered ? "again" : "once")} {Environment.ProcessId}"), cancellationToken);
        if (isLong)
            await Console.Out.WriteLineAsync($"has answered {text}");
    }

    public override async Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _ended);
        await Console.Out.WriteLineAsync("is told of its end");
    }

    public void Dispose() => Interlocked.Increment(ref _disposed);

    // Until the process has been stopped and goes on.
    private static async Task StandStillAsync(string text)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("Windows stops no process.");
        var goesOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => goesOn.TrySetResult());
        await Console.Out.WriteLineAsync($"begins {text}");
        await goesOn.Task;
    }
}
