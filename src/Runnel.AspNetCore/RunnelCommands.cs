using System.CommandLine;
using System.CommandLine.Invocation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.AspNetCore.Admission;
using Runnel.AspNetCore.Commands;
using Runnel.Layers;
using Runnel.Workers;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The commands that every application has.</summary>
public static class RunnelCommands
{
    private const string SameLayer = "--layer sqlite:work.db on one machine, --layer redis://HOST on several.";

    /// <summary>Runs the application as its command line says: <c>runserver</c> (the default), <c>runworker</c>, <c>channels</c>; <c>--help</c> lists all.</summary>
    /// <remarks>
    /// Settings go to the application's configuration: what has its value in the same word (<c>--Backend=URI</c>) or a colon in its name
    /// (<c>--Logging:LogLevel:Default Debug</c>), and the host's own (<c>--urls URL</c>). Any other command or option that Runnel does not know is refused.
    /// A start that fails for a reason that Runnel knows ends with one sentence and exit code 1, and so does an application that ends badly: a background service
    /// failed, or services did not stop in time.
    /// </remarks>
    /// <example><code>return await app.RunRunnelAsync(args);</code></example>
    /// <param name="app">The application, mapped.</param>
    /// <param name="args">The command line.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunRunnelAsync(this WebApplication app, string[] args)
    {
        ArgumentNullException.ThrowIfNull(app);
        var stopping = app.Lifetime.ApplicationStopping;
        try
        {
            await using (app)
                return await RunAsync(app, args);
        }
        catch (Exception exception) when (stopping.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"The application has stopped, but not well: {exception.Message}");
            await Console.Error.WriteLineAsync(exception.ToString()); // nothing can log it any more
            return 1;
        }
    }

    private static async Task<int> RunAsync(WebApplication app, string[] args)
    {
        try
        {
            // Without response files, or a setting's value such as @home would be read as one.
            var parsed = Root(app).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction)
                throw new FormatException(parsed.Errors[0].Message);
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or OptionsValidationException or BackplaneUnavailableException or IOException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }
    }

    private static RootCommand Root(WebApplication app)
    {
        Option<string?>[] layers =
        [
            new("--layer") { Description = "The layer's address: memory:, sqlite:PATH, redis://[USER:PASSWORD@]HOST[:PORT], …", HelpName = "URI", Recursive = true },
            new("--queue-layer") { Description = "The address of the layer for work, if it is another one.", HelpName = "URI", Recursive = true },
            new("--state-layer") { Description = "The address of the layer that remembers states of jobs and recurring messages, if it is another one.", HelpName = "URI", Recursive = true },
        ];
        var root = new RootCommand($"{app.Environment.ApplicationName}: a Runnel application. It takes settings of its configuration, too: --urls URL, --SECTION:KEY VALUE, --KEY=VALUE.")
        {
            RunServer(app, layers),
            RunWorker(app, layers),
            Channels(app, layers),
        };
        foreach (var option in layers)
            root.Options.Add(option);
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction((parsed, cancellationToken) =>
        {
            Configure(app, parsed, layers);
            return ServeAsync(app, noWorker: false, cancellationToken);
        });
        return root;
    }

    private static Command RunServer(WebApplication app, Option<string?>[] layers)
    {
        var noWorker = new Option<bool>("--noworker") { Description = "Take no messages from channels: leave that to runworker processes." };
        var command = new Command("runserver", "Serves the application, and handles its channels' messages. The default.") { noWorker };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, cancellationToken) =>
        {
            Configure(app, parsed, layers);
            app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value.Enabled &= !parsed.GetValue(noWorker);
            return ServeAsync(app, parsed.GetValue(noWorker), cancellationToken);
        });
        return command;
    }

    private static Command RunWorker(WebApplication app, Option<string?>[] layers)
    {
        var only = new Option<string[]>("--only-channels") { Description = "Only channels that fit a pattern (*, ?, [a-z]); several separated by commas, or given again.", HelpName = "GLOB,…" };
        var exclude = new Option<string[]>("--exclude-channels") { Description = "No channels that fit a pattern.", HelpName = "GLOB,…" };
        var threads = new Option<int?>("--threads") { Description = "How many messages to handle at once over all channels.", HelpName = "N" };
        threads.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !(int.TryParse(text, out var count) && count > 0))
                result.AddError($"--threads takes a number from 1 on, not '{text}'.");
        });
        var command = new Command("runworker", "Handles the messages of channels, and serves nothing.") { only, exclude, threads };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Configure(app, parsed, layers);
            var options = app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value;
            options.Enabled = true;
            options.Threads = parsed.GetValue(threads) ?? options.Threads;
            AddPatterns(options.OnlyChannels, parsed.GetValue(only));
            AddPatterns(options.ExcludeChannels, parsed.GetValue(exclude));
            RefuseWorkerAlone(app);
            RefuseEmptySelection(app);
            await PrepareAsync(app, cancellationToken);
            await WorkerHost.RunAsync(app.Services, cancellationToken);
            return 0;
        });
        return command;
    }

    private static Command Channels(WebApplication app, Option<string?>[] layers)
    {
        var command = new Command("channels", "Lists the channels that the application has consumers for.");
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, _) =>
        {
            Configure(app, parsed, layers);
            var registry = app.Services.GetRequiredService<ChannelRegistry>();
            foreach (var name in registry.Names)
            {
                var options = registry.OptionsOf(name);
                parsed.InvocationConfiguration.Output.WriteLine(
                    $"{name}  types: {string.Join(", ", registry.TypesOf(name))}; concurrency {options.Concurrency}, attempts {options.Retry.MaxAttempts}{string.Concat(UsesOf(options))}");
            }
            return Task.FromResult(0);
        });
        return command;
    }

    private static IEnumerable<string> UsesOf(ChannelOptions options)
    {
        if (options.Ordered)
            yield return ", ordered";
        if (options.Deduplicate)
            yield return ", deduplicated";
        if (options.Cancellable)
            yield return ", cancellable";
        if (options.Track)
            yield return ", tracked";
    }

    private static async Task<int> ServeAsync(WebApplication app, bool noWorker, CancellationToken cancellationToken)
    {
        await PrepareAsync(app, cancellationToken);
        if (noWorker)
            RefuseServerAlone(app);
        else
            WarnOfServerApart(app);
        await ApplicationRun.RunAsync(app.Services, app, cancellationToken);
        return 0;
    }

    // The host would do this, too, but log a failure with its stack beside the sentence that ends the command.
    private static Task PrepareAsync(WebApplication app, CancellationToken cancellationToken)
    {
        app.Services.GetService<IStartupValidator>()?.Validate();
        return app.Services.GetRequiredService<ConfiguredLayer>().OpenAsync(cancellationToken);
    }

    // The host has read the same command line already, but to it a switch without a value, such as --noworker, eats the argument that follows.
    private static void Configure(WebApplication app, ParseResult parsed, Option<string?>[] layers)
    {
        var rest = new ConfigurationBuilder().AddCommandLine([.. CommandLineSettings.Of(parsed)]).Build();
        foreach (var (key, value) in rest.AsEnumerable().Where(pair => pair.Value is not null))
            app.Configuration[key] = value;
        foreach (var option in layers)
        {
            if (parsed.GetValue(option) is { } address)
                app.Configuration[option.Name[2..]] = address;
        }
        if (rest["urls"] is { } urls)
        {
            app.Urls.Clear();
            foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries))
                app.Urls.Add(url);
        }
    }

    // Refuses a worker that no other process could reach. Before the layers are opened.
    private static void RefuseWorkerAlone(WebApplication app)
    {
        var layer = app.Services.GetRequiredService<ConfiguredLayer>();
        if (layer.QueueScheme == "memory")
            throw new InvalidOperationException($"A worker on 'memory:' would wait for ever: what other processes send never reaches it. Give both the same layer: {SameLayer}");
        if (layer.Scheme == "memory")
            throw new InvalidOperationException($"Other processes would not see this worker's job states and group messages: 'memory:' keeps them in the worker. Give both the same layer for these, too: {SameLayer}");
        if (layer.StateAddress is { } states && LayerAddress.SchemeOf(states) == "memory")
            throw new InvalidOperationException("Other processes would not see the states of this worker's jobs: 'memory:' keeps them in the worker. Give all of them the same layer for states: --state-layer sqlite:work.db on one machine, --state-layer redis://HOST on several.");
    }

    // Refuses a server that leaves its work to workers that cannot see it. Once the layers are open.
    private static void RefuseServerAlone(WebApplication app)
    {
        if (app.Services.GetRequiredService<ChannelRegistry>().Names.Count == 0)
            return; // there is no work to leave to others
        var layer = app.Services.GetRequiredService<ConfiguredLayer>();
        if (!IsShared(app.Services.GetRequiredService<IWorkQueue>()))
            throw new InvalidOperationException($"Nobody would handle what a server sends with --noworker on '{layer.QueueScheme}:', since no worker can see it. Leave out --noworker, or give the server and its workers the same layer: {SameLayer}");
        if (!IsShared(app.Services.GetRequiredService<IBackplane>()))
            throw new InvalidOperationException($"With --noworker on '{layer.Scheme}:', this server would not see the workers' job states and group messages. Leave out --noworker, or give the server and its workers the same layer for these, too: {SameLayer}");
    }

    // Warns of a server that shares its work and nothing else: right for one process, and not for several. Once the layers are open.
    private static void WarnOfServerApart(WebApplication app)
    {
        var layer = app.Services.GetRequiredService<ConfiguredLayer>();
        if (app.Services.GetRequiredService<ChannelRegistry>().Names.Count > 0 && IsShared(app.Services.GetRequiredService<IWorkQueue>()) && !IsShared(app.Services.GetRequiredService<IBackplane>()))
            Log.OnlyWorkIsShared(app.Logger, layer.QueueScheme, layer.Scheme);
    }

    private static bool IsShared(IWorkQueue queue) => queue.Features.HasFlag(WorkQueueFeatures.ScaleOut);

    private static bool IsShared(IBackplane backplane) => backplane.Features.HasFlag(BackplaneFeatures.ScaleOut);

    private static void RefuseEmptySelection(WebApplication app)
    {
        var selected = app.Services.GetRequiredService<WorkerSelection>().Selected;
        if (selected.Count > 0)
            return;
        var names = app.Services.GetRequiredService<ChannelRegistry>().Names;
        throw new InvalidOperationException(names.Count == 0
            ? "This application has no consumers for channels: there is nothing for a worker to do."
            : $"No channel fits --only-channels and --exclude-channels: there are {string.Join(", ", names.Select(name => $"'{name}'"))}.");
    }

    private static void AddPatterns(IList<string> patterns, string[]? given)
    {
        foreach (var pattern in (given ?? []).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
            patterns.Add(pattern);
    }
}
