namespace Runnel.Tests.Connections;

/// <summary>Does what the path says, and writes down what happens to it.</summary>
public sealed class Scripted : WebSocketConsumer, IDisposable
{
    private readonly Journal _journal;
    private int _count;

    public Scripted(Journal journal, ScopedThing thing)
    {
        ArgumentNullException.ThrowIfNull(thing);
        _journal = journal;
        _journal.Write("made");
    }

    private string Does => Scope.RouteValue("does")!;

    public override Task OnConnectAsync(CancellationToken cancellationToken) => Does switch
    {
        "rejects" => RejectAsync(cancellationToken),
        "closes" => CloseAsync(cancellationToken: cancellationToken),
        "nothing" => Task.CompletedTask,
        "throws" => throw new InvalidOperationException("as told"),
        _ => AcceptAsync(cancellationToken),
    };

    public override async Task OnReceiveAsync(string text, CancellationToken cancellationToken)
    {
        _journal.Write($"got {text}");
        if (text == "throw")
            throw new InvalidOperationException("as told");
        if (text == "wait for the end")
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        if (text == "close")
            await CloseAsync(4000, cancellationToken: cancellationToken);
        await SendAsync($"{text} {++_count}", cancellationToken);
    }

    public override Task OnDisconnectAsync(int code, CancellationToken cancellationToken)
    {
        _journal.Write($"end {code}");
        return Does == "fails-at-its-end" ? throw new InvalidOperationException("as told") : Task.CompletedTask;
    }

    public void Dispose() => _journal.Write("disposed");
}
