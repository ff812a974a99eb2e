using Runnel.Tests.Connections;

namespace Runnel.Tests.Handover;

/// <summary>A consumer that numbers what its client says, keeps the number, and holds on to what a test names.</summary>
internal sealed class Counting(Counting.Script script)
{
    /// <summary>What the consumers of a test do, and have done.</summary>
    internal sealed class Script
    {
        public Journal Journal { get; } = new();

        /// <summary>Texts that begin with "hold" wait for it.</summary>
        public TaskCompletionSource Gate { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Whether the ends wait for it, too.</summary>
        public bool HoldsEnd { get; set; }

        public ConsumerDescriptor Describe(bool canBeAdopted = true)
        {
            var consumer = new ConsumerBuilder();
            Build(consumer, canBeAdopted);
            return ConsumerDescriptor.For(consumer);
        }

        public void Build(ConsumerBuilder consumer) => Build(consumer, canBeAdopted: true);

        private void Build(ConsumerBuilder consumer, bool canBeAdopted)
        {
            var counting = new Counting(this);
            consumer.OnConnect(counting.ConnectAsync).OnReceive(counting.ReceiveAsync).OnDisconnect(counting.EndAsync);
            if (canBeAdopted)
                consumer.OnAdopt(counting.AdoptAsync);
        }
    }

    private async Task ConnectAsync(Connection connection, CancellationToken cancellationToken)
    {
        await connection.AcceptAsync(AcceptOptions.Default, cancellationToken);
        await connection.SendAsync("snapshot", cancellationToken);
    }

    private Task AdoptAsync(Connection connection, CancellationToken cancellationToken)
    {
        script.Journal.Write($"adopted with {connection.GetKept<int>()}");
        return Task.CompletedTask;
    }

    private async Task ReceiveAsync(string text, Connection connection, CancellationToken cancellationToken)
    {
        if (text.StartsWith("hold", StringComparison.Ordinal))
        {
            var gate = script.Gate.Task; // whoever reads the journal may replace the gate at once
            script.Journal.Write($"began {text}");
            await gate.WaitAsync(cancellationToken);
        }
        var count = connection.GetKept<int>() + 1;
        connection.Keep(count);
        await connection.SendAsync($"{text} {count}{(connection.IsRedelivered ? " again" : "")}", cancellationToken);
    }

    private async Task EndAsync(int code, Connection connection)
    {
        if (script.HoldsEnd)
        {
            var gate = script.Gate.Task; // as above
            script.Journal.Write("ending");
            await gate;
        }
        script.Journal.Write($"end {code} with {connection.GetKept<int>()}{(connection.IsRedelivered ? " again" : "")}");
    }
}
