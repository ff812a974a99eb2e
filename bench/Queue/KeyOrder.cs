namespace Runnel.Bench;

/// <summary>Counts messages that came out of their key's turn, or while another one of the key was being handled.</summary>
internal sealed class KeyOrder(int keys)
{
    private readonly int[] _next = new int[keys];
    private readonly int[] _running = new int[keys];
    private int _violations;

    public int Violations => _violations;

    public Task Handle(BenchWork work, Countdown handled)
    {
        if (Interlocked.Increment(ref _running[work.Key]) != 1 || Interlocked.Exchange(ref _next[work.Key], work.Number + 1) != work.Number)
            Interlocked.Increment(ref _violations);
        Interlocked.Decrement(ref _running[work.Key]);
        return handled.Signal();
    }
}
