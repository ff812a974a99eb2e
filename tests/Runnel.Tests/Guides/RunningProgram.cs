using System.Diagnostics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Runnel.Specification;

namespace Runnel.Tests.Guides;

/// <summary>A program run as it is, from its first line to <c>app.Run()</c>, on a port of its own.</summary>
internal sealed class RunningProgram : IAsyncDisposable, IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
{
    private static readonly AsyncLocal<RunningProgram?> Current = new();

    private readonly TaskCompletionSource<IHost> _built = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IDisposable _listening;
    private readonly Task _program;
    private readonly List<IDisposable> _subscriptions = [];

    private RunningProgram(Action<string[]> main)
    {
        _listening = DiagnosticListener.AllListeners.Subscribe(this);
        _program = Task.Run(() =>
        {
            Current.Value = this;
            main(["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "Warning"]);
        });
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public static async Task<RunningProgram> StartAsync(Action<string[]> main)
    {
        var running = new RunningProgram(main);
        var host = await Wait.For(await Task.WhenAny(running._built.Task, running.Fail()), "the program to build its host");
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(started.SetResult);
        await Wait.For(started.Task, "the program to start");
        running.Address = new Uri(host.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());
        return running;
    }

    public async ValueTask DisposeAsync()
    {
        (await _built.Task).Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await Wait.For(_program, "the program to end");
        _listening.Dispose();
        _subscriptions.ForEach(subscription => subscription.Dispose());
    }

    // The framework announces each host that is built; ours is the one that is built on behalf of our task.
    void IObserver<DiagnosticListener>.OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.Extensions.Hosting")
            _subscriptions.Add(value.Subscribe(this));
    }

    void IObserver<KeyValuePair<string, object?>>.OnNext(KeyValuePair<string, object?> value)
    {
        if (value is { Key: "HostBuilt", Value: IHost host } && Current.Value == this)
            _built.TrySetResult(host);
    }

    void IObserver<DiagnosticListener>.OnCompleted()
    {
    }

    void IObserver<DiagnosticListener>.OnError(Exception error)
    {
    }

    void IObserver<KeyValuePair<string, object?>>.OnCompleted()
    {
    }

    void IObserver<KeyValuePair<string, object?>>.OnError(Exception error)
    {
    }

    private async Task<IHost> Fail()
    {
        await _program;
        throw new InvalidOperationException("The program ended before it had built a host.");
    }
}
