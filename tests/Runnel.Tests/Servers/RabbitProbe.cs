using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Runnel.Specification;

namespace Runnel.Tests.Servers;

/// <summary>Asks a RabbitMQ of a test, in Erlang: what tests look with, so that they do not look with the code under test.</summary>
/// <remarks>
/// A few lines of Erlang answer inside the broker, on a socket in its directory. An answer takes half a millisecond, a virtual host 12 ms to create and 15 to 45 to
/// delete; rabbitmqctl starts an Erlang of its own for each question, and the management plugin makes the broker start later and work more.
/// </remarks>
public sealed class RabbitProbe
{
    private const string SocketName = "probe.sock", ScriptName = "probe.erl";

    // The socket is there when the broker is: this is run after it has booted. More tests ask at once than Erlang lets wait at a socket (5): the others would be refused.
    private const string Script = """
        spawn(fun() ->
            {ok, Listener} = gen_tcp:listen(0, [{ifaddr, {local, filename:join(os:getenv("HOME"), "probe.sock")}}, binary, {packet, 4}, {active, false}, {backlog, 1024}]),
            Evaluate = fun(Question) ->
                {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Question)),
                {ok, Expressions} = erl_parse:parse_exprs(Tokens),
                {value, Value, _} = erl_eval:exprs(Expressions, []),
                rabbit_json:encode(Value)
            end,
            Serve = fun Serve(Socket) ->
                case gen_tcp:recv(Socket, 0) of
                    {ok, Question} ->
                        Answer = try ["+", Evaluate(Question)] catch Class:Reason -> ["-", io_lib:format("~0p", [{Class, Reason}])] end,
                        ok = gen_tcp:send(Socket, unicode:characters_to_binary(Answer)),
                        Serve(Socket);
                    {error, _} ->
                        gen_tcp:close(Socket)
                end
            end,
            Accept = fun Accept() ->
                {ok, Socket} = gen_tcp:accept(Listener),
                Server = spawn(fun() -> receive start -> Serve(Socket) end end),
                ok = gen_tcp:controlling_process(Socket, Server),
                Server ! start,
                Accept()
            end,
            Accept()
        end).
        """;

    private readonly string _socketFile;

    internal RabbitProbe(string directory) => _socketFile = Path.Combine(directory, SocketName);

    /// <summary>Evaluates an expression in the broker.</summary>
    /// <returns>Its value by way of JSON, in which a map is an object, and a binary a text.</returns>
    /// <exception cref="InvalidOperationException">It has no value.</exception>
    public async Task<T> AskAsync<T>(string expression)
    {
        var answer = await Wait.For(AskAsync($"{expression}."), $"the broker's answer to '{expression}'");
        return answer[0] == '+'
            ? JsonSerializer.Deserialize<T>(answer.AsSpan(1), JsonSerializerOptions.Web)!
            : throw new InvalidOperationException($"The broker answered '{expression}' with '{answer[1..]}'.");
    }

    /// <summary>Evaluates an expression for what it does.</summary>
    public Task DoAsync(string expression) => AskAsync<bool>($"{expression}, true");

    /// <summary>A text as Erlang writes it.</summary>
    internal static string Text(string text) =>
        $"<<\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"/utf8>>";

    internal static async Task PrepareAsync(string directory)
    {
        File.Delete(Path.Combine(directory, SocketName)); // of the time before a kill
        await File.WriteAllTextAsync(Path.Combine(directory, ScriptName), Script);
    }

    internal static string Arguments(string directory) => $"-eval file:eval(\"{Path.Combine(directory, ScriptName)}\")";

    internal async Task<bool> IsRunningAsync()
    {
        try
        {
            return await AskAsync<bool>("rabbit:is_running()");
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<string> AskAsync(string question)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socketFile));
        await using var stream = new NetworkStream(socket);

        var bytes = Encoding.UTF8.GetBytes(question);
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        await stream.WriteAsync((byte[])[.. length, .. bytes]);

        await stream.ReadExactlyAsync(length);
        var answer = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(answer);
        return Encoding.UTF8.GetString(answer);
    }
}
