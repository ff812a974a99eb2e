using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Runnel.Bench;

/// <summary>Asks a RabbitMQ of the run's own, in Erlang, on a socket in its folder: rabbitmqctl would start an Erlang of its own for each question.</summary>
internal sealed class RabbitProbe(string folder)
{
    private const string Script = """
        spawn(fun() ->
            {ok, Listener} = gen_tcp:listen(0, [{ifaddr, {local, filename:join(os:getenv("HOME"), "probe.sock")}}, binary, {packet, 4}, {active, false}]),
            Evaluate = fun(Question) ->
                {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Question)),
                {ok, Expressions} = erl_parse:parse_exprs(Tokens),
                {value, Value, _} = erl_eval:exprs(Expressions, []),
                rabbit_json:encode(Value)
            end,
            Accept = fun Accept() ->
                {ok, Socket} = gen_tcp:accept(Listener),
                case gen_tcp:recv(Socket, 0) of
                    {ok, Question} ->
                        Answer = try ["+", Evaluate(Question)] catch Class:Reason -> ["-", io_lib:format("~0p", [{Class, Reason}])] end,
                        gen_tcp:send(Socket, unicode:characters_to_binary(Answer));
                    {error, _} ->
                        gone
                end,
                gen_tcp:close(Socket),
                Accept()
            end,
            Accept()
        end).
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _socketFile = Path.Combine(folder, "probe.sock");
    private readonly string _scriptFile = Path.Combine(folder, "probe.erl");

    /// <summary>What the broker has to be started with. It runs this after it has booted, so that it answers when it is there.</summary>
    public string Arguments => $"-eval file:eval(\"{_scriptFile}\")";

    /// <summary>Puts into the folder what the broker is started with.</summary>
    public void Prepare()
    {
        File.Delete(_socketFile); // of the time before a kill
        File.WriteAllText(_scriptFile, Script);
    }

    /// <summary>Evaluates an expression in the broker.</summary>
    /// <returns>Its value by way of JSON, in which a map is an object, and a binary a text.</returns>
    public async Task<T> AskAsync<T>(string expression, CancellationToken cancellationToken)
    {
        var answer = await AskAsync($"{expression}.", cancellationToken).WaitAsync(Patience, TimeProvider.System, cancellationToken);
        return answer[0] == '+'
            ? JsonSerializer.Deserialize<T>(answer.AsSpan(1), JsonSerializerOptions.Web)!
            : throw new BenchException($"RabbitMQ answered '{expression}' with '{answer[1..]}'.");
    }

    /// <summary>Evaluates an expression for what it does.</summary>
    public Task DoAsync(string expression, CancellationToken cancellationToken) => AskAsync<bool>($"{expression}, true", cancellationToken);

    /// <summary>Whether the broker has booted.</summary>
    public async Task<bool> IsRunningAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync<bool>("rabbit:is_running()", cancellationToken);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<string> AskAsync(string question, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socketFile), cancellationToken);
        await using var stream = new NetworkStream(socket);

        var bytes = Encoding.UTF8.GetBytes(question);
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        await stream.WriteAsync((byte[])[.. length, .. bytes], cancellationToken);

        await stream.ReadExactlyAsync(length, cancellationToken);
        var answer = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(answer, cancellationToken);
        return Encoding.UTF8.GetString(answer);
    }
}
