using System.CommandLine;
using System.CommandLine.Invocation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Runnel;
using Runnel.AspNetCore.Commands;
using Runnel.AspNetCore.Handover;
using Runnel.Layers;
using Runnel.Workers;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The commands that every application has.</summary>
public static class RunnelCommands
{
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
            app.Services.GetService<MappedConsumers>()?.Use(app);
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

    internal static RootCommand Root(WebApplication app)
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
        var noWorker = new Option<bool>("--noworker") { Description = "Take no messages from channels, and run no consumers: leave both to runworker processes." };
        var command = new Command("runserver", "Serves the application, runs its consumers, and handles its channels' messages. The default.") { noWorker };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, cancellationToken) =>
        {
            Configure(app, parsed, layers);
            app.Services.GetRequiredService<IOptions<WorkerOptions>>().Value.Enabled &= !parsed.GetValue(noWorker);
            app.Services.GetRequiredService<IOptions<HandoverOptions>>().Value.HandsOut |= parsed.GetValue(noWorker);
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
            StartCheck.RefuseWorkerAlone(app);
            StartCheck.RefuseEmptySelection(app);
            await PrepareAsync(app, cancellationToken);
            await WorkerHost.RunAsync(app.Services, cancellationToken);
            return 0;
        });
        return command;
    }

    private static Command Channels(WebApplication app, Option<string?>[] layers)
    {
        var command = new Command("channels", "Lists the channels that the application has consumers for, those of connections included.");
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
            foreach (var consumer in app.Services.GetRequiredService<MappedConsumers>().All)
                parsed.InvocationConfiguration.Output.WriteLine($"{consumer.Channel}  {consumer.Gives} at {consumer.Pattern}: {consumer.Consumer}");
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
            StartCheck.RefuseServerAlone(app);
        else
            StartCheck.WarnOfServerApart(app);
        await ApplicationRun.RunAsync(app.Services, app, cancellationToken);
        return 0;
    }

    // The host would do this, too, but log a failure with its stack beside the sentence that ends the command.
    private static Task PrepareAsync(WebApplication app, CancellationToken cancellationToken)
    {
        app.Services.GetService<IStartupValidator>()?.Validate();
        _ = app.Services.GetRequiredService<MappedConsumers>().All;
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

    private static void AddPatterns(IList<string> patterns, string[]? given)
    {
        foreach (var pattern in (given ?? []).SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
            patterns.Add(pattern);
    }
}
