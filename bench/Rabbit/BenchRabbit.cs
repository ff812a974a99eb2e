using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Runnel.Bench;

/// <summary>The RabbitMQ of a run: the one that was named, or one that the run starts and ends itself.</summary>
internal sealed class BenchRabbit : IDisposable
{
    private readonly string _address;
    private int _places;

    private BenchRabbit(string address, RabbitProcess? own, string version)
    {
        (_address, Own) = (address, own);
        Description = $"{(own is null ? "the" : "a private")} RabbitMQ {version}";
    }

    /// <summary>The broker's process, when it is the run's own.</summary>
    public RabbitProcess? Own { get; }

    /// <summary>What it is, for the report.</summary>
    public string Description { get; }

    /// <summary>Finds the broker.</summary>
    /// <param name="layer"><c>amqp://HOST:PORT/VHOST</c>; or <c>amqp:</c> for one of the run's own.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<BenchRabbit> OpenAsync(string layer, CancellationToken cancellationToken)
    {
        if (layer.Contains("//", StringComparison.Ordinal))
        {
            // Without what stands behind it: every measurement has a prefix of its own.
            var address = layer.Split('?')[0];
            return new BenchRabbit(address, own: null, await VersionOfAsync(address, cancellationToken));
        }
        var own = await RabbitProcess.StartAsync(cancellationToken);
        return new BenchRabbit(own.Address, own, await VersionOfAsync(own.Address, cancellationToken));
    }

    /// <summary>Connects as an application does that uses RabbitMQ.Client itself.</summary>
    public static async Task<IConnection> ConnectAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            return await new ConnectionFactory { Uri = new Uri(address) }.CreateConnectionAsync("bench", cancellationToken);
        }
        catch (BrokerUnreachableException exception)
        {
            throw new BenchException($"RabbitMQ cannot be reached: {exception.InnerException?.Message ?? exception.Message} (The benchmarks' own connections need amqp://[user:password@]HOST:PORT[/VHOST].)");
        }
    }

    /// <summary>A place with nothing in it. On a broker of the run's own it is a virtual host; the one before is deleted.</summary>
    public async Task<RabbitPlace> NewPlaceAsync(CancellationToken cancellationToken)
    {
        var number = (++_places).ToString(CultureInfo.InvariantCulture);
        if (Own is null)
            return new RabbitPlace(_address, string.Create(CultureInfo.InvariantCulture, $"bench-{Environment.ProcessId}-{number}"));
        await Own.Probe.DoAsync(
            $$"""
            [rabbit_vhost:delete(Host, <<"bench">>) || Host <- rabbit_vhost:list_names(), Host =/= <<"/">>],
            ok = rabbit_vhost:add(<<"{{number}}">>, <<"bench">>),
            rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{{number}}">>, <<".*">>, <<".*">>, <<".*">>, <<"bench">>)
            """,
            cancellationToken);
        return new RabbitPlace($"{_address}/{number}", "bench");
    }

    /// <summary>Ends the broker, if it is the run's own.</summary>
    public void Dispose() => Own?.Dispose();

    private static async Task<string> VersionOfAsync(string address, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(address, cancellationToken);
        return connection.ServerProperties?["version"] is byte[] version ? Encoding.UTF8.GetString(version) : "of an unknown version";
    }
}
