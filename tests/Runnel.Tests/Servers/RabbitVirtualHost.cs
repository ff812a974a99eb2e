using System.Text.Json;
using Runnel.Specification;

namespace Runnel.Tests.Servers;

/// <summary>A virtual host of a <see cref="RabbitServer"/>: a broker of the test's own, as far as names go.</summary>
public sealed class RabbitVirtualHost : IAsyncDisposable
{
    private readonly RabbitServer _server;
    private readonly string _name;

    internal RabbitVirtualHost(RabbitServer server, string name) => (_server, Name, _name) = (server, name, RabbitProbe.Text(name));

    public string Name { get; }

    /// <summary>The layer's address.</summary>
    public string Address => _server.AddressOf(Name);

    /// <summary>The layer's address by another way, such as a <see cref="TcpWire"/>.</summary>
    public string AddressAt(int port) => _server.AddressOf(Name, port: port);

    /// <summary>The layer's address for a user of <see cref="RabbitServer.CreateUserAsync"/>.</summary>
    public string AddressFor(string user) => _server.AddressOf(Name, user);

    /// <summary>Says what a user may do: the pattern of the names that it may configure, of those that it may write to, and of those that it may read from.</summary>
    public Task AllowAsync(string user, string configure = ".*", string write = ".*", string read = ".*") => _server.Probe.DoAsync(
        $"rabbit_auth_backend_internal:set_permissions({RabbitProbe.Text(user.Split(':')[0])}, {_name}, {RabbitProbe.Text(configure)}, {RabbitProbe.Text(write)}, {RabbitProbe.Text(read)}, <<\"test\">>)");

    /// <summary>The queues, by name.</summary>
    public async Task<IReadOnlyList<RabbitQueueState>> QueuesAsync()
    {
        var queues = await ListAsync<RabbitQueueState>("rabbit_amqqueue", "name, type, durable, exclusive, auto_delete, arguments, messages, messages_ready, consumers");
        return [.. queues.OrderBy(queue => queue.Name, StringComparer.Ordinal)];
    }

    /// <summary>A queue.</summary>
    public async Task<RabbitQueueState> QueueAsync(string name) => (await QueuesAsync()).Single(queue => queue.Name == name);

    /// <summary>The exchanges that applications declared, by name.</summary>
    public async Task<IReadOnlyList<RabbitExchangeState>> ExchangesAsync()
    {
        var exchanges = await ListAsync<RabbitExchangeState>("rabbit_exchange", "name, type, durable, auto_delete, arguments");
        return [.. exchanges.Where(exchange => exchange.Name.Length > 0 && !exchange.Name.StartsWith("amq.", StringComparison.Ordinal)).OrderBy(exchange => exchange.Name, StringComparer.Ordinal)];
    }

    /// <summary>The bindings that applications made, each as <c>exchange -routing key-> queue</c>, in order.</summary>
    public async Task<IReadOnlyList<string>> BindingsAsync()
    {
        var bindings = await ListAsync<Binding>("rabbit_binding", "source_name, destination_name, routing_key");
        return [.. bindings.Where(binding => binding.SourceName.Length > 0).Select(binding => $"{binding.SourceName} -{binding.RoutingKey}-> {binding.DestinationName}").Order(StringComparer.Ordinal)];
    }

    /// <summary>How many connections there are.</summary>
    public Task<int> CountConnectionsAsync() => _server.Probe.AskAsync<int>($"length({Connections})");

    /// <summary>Has the broker close all connections, as an operator would; clients learn the reason.</summary>
    public Task CloseConnectionsAsync(string reason = "the test closes it") =>
        _server.Probe.DoAsync($"[catch rabbit_networking:close_connection(Connection, \"{reason}\") || Connection <- {Connections}]"); // one may end by itself just now

    /// <summary>How many messages of a quorum queue its consumers hold at this moment. What the broker tells of itself in lists is some seconds old.</summary>
    public Task<int> CountHeldAsync(string queue) => _server.Probe.AskAsync<int>(
        $"{Find(queue)}, {{ok, {{_, Held}}, _}} = ra:leader_query(amqqueue:get_pid(Queue), fun rabbit_fifo:query_messages_checked_out/1), Held");

    /// <summary>For so long, no quorum queue of that name can be made, as when the last one of that name has not ended wholly.</summary>
    public Task OccupyAsync(string queue, TimeSpan time) => _server.Probe.DoAsync(
        $"Name = binary_to_atom(<<\"{Name}_{queue}\">>, utf8), Free = fun Free() -> whereis(Name) =:= undefined orelse begin timer:sleep(1), Free() end end, Free(), "
        + $"register(Name, spawn(fun() -> timer:sleep({(long)time.TotalMilliseconds}) end))");

    /// <summary>Deletes a queue, whoever uses it.</summary>
    public Task DeleteQueueAsync(string name) => _server.Probe.DoAsync($"{Find(name)}, {{ok, _}} = rabbit_amqqueue:delete(Queue, false, false, <<\"test\">>)");

    /// <summary>Gives a queue a limit, as an operator does with a policy: once so many messages wait and one more, it refuses what is published.</summary>
    public Task LimitAsync(string queue, int messages) => _server.Probe.DoAsync(
        $"ok = rabbit_policy:set({_name}, {RabbitProbe.Text(queue)}, {RabbitProbe.Text($"^{queue}$")}, [{{<<\"max-length\">>, {messages}}}, {{<<\"overflow\">>, <<\"reject-publish\">>}}], 0, <<\"queues\">>, <<\"test\">>)");

    /// <summary>Has a queue whose expired messages go on at least once try again after a second where they were refused, and not after three minutes.</summary>
    public Task TryDeadLettersAgainSoonAsync(string queue) => Wait.Until(
        async () => await _server.Probe.AskAsync<int>(
            $"length([sys:replace_state(Worker, fun(State) -> list_to_tuple([case Field of 180000 -> 1000; _ -> Field end || Field <- tuple_to_list(State)]) end) "
            + $"|| {{_, Worker, _, _}} <- supervisor:which_children(rabbit_fifo_dlx_sup), (catch element(2, sys:get_state(Worker))) =:= rabbit_misc:r({_name}, queue, {RabbitProbe.Text(queue)})])") > 0, // one of another test's queues may end just now
        "the queue that was just made has somebody who sends on what expires");

    public async ValueTask DisposeAsync() => await _server.Probe.DoAsync($"case rabbit_vhost:exists({_name}) of true -> rabbit_vhost:delete({_name}, <<\"test\">>); false -> ok end");

    internal async Task CreateAsync()
    {
        await _server.Probe.DoAsync($"rabbit_vhost:add({_name}, <<\"test\">>)");
        await AllowAsync("guest");
    }

    private string Find(string queue) => $"{{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r({_name}, queue, {RabbitProbe.Text(queue)}))";

    private string Connections => $"[proplists:get_value(pid, One) || One <- rabbit_networking:connection_info_all([pid, vhost]), proplists:get_value(vhost, One) =:= {_name}]";

    // Each is a list of pairs, with names and arguments in forms of Erlang's.
    private Task<List<T>> ListAsync<T>(string module, string items) => _server.Probe.AskAsync<List<T>>(
        $$$"""
        [maps:from_list([case Pair of
            {name, {resource, _, _, Name}} -> {name, Name};
            {exclusive, Exclusive} -> {exclusive, Exclusive =:= true}; % of a quorum queue it is not said
            {arguments, Arguments} -> {arguments, maps:from_list([{Key, Value} || {Key, _, Value} <- Arguments])};
            {Key, Value} -> {list_to_atom(lists:flatten(string:replace(atom_to_list(Key), "_", "", all))), Value}
        end || Pair <- One]) || One <- {{{module}}}:info_all({{{_name}}}, [{{{items}}}])]
        """);

    private sealed record Binding(string SourceName, string DestinationName, string RoutingKey);
}

/// <summary>What the broker tells of a queue.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type"><c>classic</c> or <c>quorum</c>.</param>
/// <param name="Durable">Whether a restart of the broker leaves it.</param>
/// <param name="Exclusive">Whether it belongs to one connection.</param>
/// <param name="AutoDelete">Whether it goes with its last consumer.</param>
/// <param name="Arguments">What it was declared with.</param>
/// <param name="Messages">How many messages it has, those that consumers hold included.</param>
/// <param name="MessagesReady">How many wait.</param>
/// <param name="Consumers">How many consumers it has.</param>
public sealed record RabbitQueueState(
    string Name, string Type, bool Durable, bool Exclusive, bool AutoDelete, IReadOnlyDictionary<string, JsonElement> Arguments, long Messages, long MessagesReady, int Consumers);

/// <summary>What the broker tells of an exchange.</summary>
public sealed record RabbitExchangeState(string Name, string Type, bool Durable, bool AutoDelete, IReadOnlyDictionary<string, JsonElement> Arguments);
