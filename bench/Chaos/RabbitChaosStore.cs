namespace Runnel.Bench;

/// <summary>A RabbitMQ of the run's own, asked from inside, since a broker without plugins tells clients little.</summary>
internal sealed class RabbitChaosStore : ChaosStore
{
    private readonly RabbitProcess _broker;
    private readonly RabbitPlace _place;

    private RabbitChaosStore(RabbitProcess broker, RabbitPlace place)
        : base(place.LayerAddress, Directory.CreateTempSubdirectory("runnel-chaos-").FullName) => (_broker, _place) = (broker, place);

    public override IServerProcess? Server => _broker;

    public override int? RateAtServerKills => 200;

    // It gives everything back as soon as it starts.
    public override bool RemembersHoldersBeyondDeath => false;

    // AMQP has no answer to an acknowledgement: those that a broker has not written down when it is killed are lost.
    public override bool ConfirmsSettling => false;

    // RabbitMQ 3.10 writes down a queue's existence up to three seconds after it has declared it. Killed before, it comes back with the queue empty and without a leader.
    public override TimeSpan Grace => TimeSpan.FromSeconds(6);

    public override TimeSpan LongestReturn => TimeSpan.FromSeconds(10);

    public override TimeSpan LongestHandover => TimeSpan.FromSeconds(1);

    public static async Task<RabbitChaosStore> CreateAsync(RabbitQueueStore store, CancellationToken cancellationToken) => store.Rabbit.Own is { } own
        ? new RabbitChaosStore(own, await store.NewPlaceAsync(cancellationToken))
        : throw new BenchException("The run kills its broker and looks into it, so it starts one of its own: use amqp: without an address.");

    public override Task<long> CountMessagesAsync(CancellationToken cancellationToken) => SumAsync("query_messages_total", cancellationToken);

    // The broker does not say whose: what all processes hold is the most that this one can.
    public override Task<long> CountHeldAsync(int processId, CancellationToken cancellationToken) => CountHeldByAllAsync(cancellationToken);

    // One that stands still for two heartbeats is rightly taken for dead.
    public override Task<long> CountLostByStandingStillAsync(int processId, CancellationToken cancellationToken) => CountHeldByAllAsync(cancellationToken);

    public override Task<long> CountHeldByAllAsync(CancellationToken cancellationToken) => SumAsync("query_messages_checked_out", cancellationToken);

    // A dead process is one whose connections have ended.
    public override Task<bool> HasForgottenTheDeadAsync(int living, CancellationToken cancellationToken) => Task.FromResult(true);

    public override async Task AuditLeftAsync(ChaosVerdict verdict, CancellationToken cancellationToken)
    {
        var queues = await NamesAsync("[element(4, amqqueue:get_name(Queue)) || Queue <- rabbit_amqqueue:list(HOST)]", cancellationToken);
        var exchanges = await NamesAsync("[element(4, element(2, Exchange)) || Exchange <- rabbit_exchange:list(HOST)]", cancellationToken);
        var bindings = await NamesAsync("[element(3, Binding) || Binding <- rabbit_binding:list(HOST), element(4, element(2, Binding)) =/= <<>>]", cancellationToken);
        var strange = queues.Except(RabbitLayerNames.Queues(_place.Prefix, ChaosHost.Channel, ChaosHost.LongChannel, ChaosHost.HandoverChannel))
            .Concat(exchanges.Where(exchange => !exchange.StartsWith("amq.", StringComparison.Ordinal)).Except(["", RabbitLayerNames.Exchange(_place.Prefix)]))
            .Concat(bindings)
            .ToList();
        verdict.Note("queues left that are documented, and empty", queues.Count);
        verdict.AtMost("queues, exchanges and bindings left that are not", strange.Count, 0);
        foreach (var name in strange)
            await Console.Error.WriteLineAsync($"left: {name}");
    }

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    // From the queues themselves: what the broker tells of quorum queues otherwise is up to five seconds old. One that is new has its state in the form of older versions for a moment;
    // one that has no leader yet is asked again.
    private Task<long> SumAsync(string query, CancellationToken cancellationToken) => AskAsync<long>(
        $$"""
        Read = fun(State) -> hd([Count || Version <- [rabbit_fifo, rabbit_fifo_v1, rabbit_fifo_v0], Count <- [catch Version:{{query}}(State)], is_integer(Count)]) end,
        Ask = fun Ask(Queue, Tries) ->
            case ra:leader_query(Queue, Read, 1000) of
                {ok, {_, Count}, _} -> Count;
                _ when Tries > 1 -> timer:sleep(100), Ask(Queue, Tries - 1)
            end
        end,
        lists:sum([Ask(amqqueue:get_pid(Queue), 20) || Queue <- rabbit_amqqueue:list(HOST), amqqueue:get_type(Queue) =:= rabbit_quorum_queue])
        """,
        cancellationToken);

    private async Task<IReadOnlyList<string>> NamesAsync(string expression, CancellationToken cancellationToken) => await AskAsync<List<string>>(expression, cancellationToken);

    private Task<T> AskAsync<T>(string expression, CancellationToken cancellationToken) =>
        _broker.Probe.AskAsync<T>(expression.Replace("HOST", $"<<\"{_place.Address.Split('/')[^1]}\">>", StringComparison.Ordinal), cancellationToken);
}
