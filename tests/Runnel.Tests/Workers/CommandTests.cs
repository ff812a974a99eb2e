using Runnel.Specification;
using Runnel.Tests.Processes;
using Xunit;

namespace Runnel.Tests.Workers;

/// <summary>The commands of an application, each run as a process.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runnel-");

    private string Layer => "sqlite:" + Path.Combine(_folder.FullName, "work.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Help_names_the_commands_and_channels_lists_what_is_registered()
    {
        await using var help = AppProcess.Start("--help");
        await using var channels = AppProcess.Start("channels");

        var (helpCode, helpText) = await help.EndAsync();
        var (channelsCode, channelsText) = await channels.EndAsync();

        Assert.Equal((0, 0), (helpCode, channelsCode));
        Assert.All(["runserver", "runworker", "channels", "--layer"], word => Assert.Contains(word, helpText, StringComparison.Ordinal));
        Assert.Contains("payments  types: payments; concurrency 10, attempts 10, tracked", channelsText, StringComparison.Ordinal);
        Assert.Contains("thumbnails  types: thumbnails; concurrency 2, attempts 10", channelsText, StringComparison.Ordinal);
        Assert.Contains("websocket.connect.echo  connections at /ws/{room}: ConsumerBuilder", channelsText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("A worker on 'memory:' would wait for ever", "runworker")]
    [InlineData("A worker on 'memory:' would wait for ever", "runworker", "--layer", "LAYER", "--queue-layer", "memory:")]
    [InlineData("Other processes would not see this worker's job states and group messages", "runworker", "--queue-layer", "LAYER")]
    [InlineData("Other processes would not see the states of this worker's jobs: 'memory:' keeps them in the worker.", "runworker", "--layer", "LAYER", "--state-layer", "memory:")]
    [InlineData("Nobody would handle what a server sends with --noworker on 'memory:'", "runserver", "--noworker")]
    [InlineData("With --noworker on 'memory:', this server would not see the workers' job states", "runserver", "--noworker", "--queue-layer", "LAYER")]
    [InlineData("there are 'mail', 'payments', 'thumbnails', 'websocket.connect.commands', 'websocket.connect.echo'.", "runworker", "--layer", "LAYER", "--only-channels", "nothing*")]
    [InlineData("there are 'mail', 'payments', 'thumbnails', 'websocket.connect.commands', 'websocket.connect.echo'.", "runworker", "--layer", "LAYER", "--exclude-channels", "*")]
    [InlineData("--threads takes a number from 1 on, not 'many'.", "runworker", "--layer", "LAYER", "--threads", "many")]
    [InlineData("--threads takes a number from 1 on, not '0'.", "runworker", "--layer", "LAYER", "--threads", "0")]
    [InlineData("'carrier-pigeon' names no layer", "runserver", "--layer", "carrier-pigeon://x")]
    [InlineData("This is not the address of a RabbitMQ broker", "runserver", "--layer", "amqp:localhost")]
    [InlineData("There is no layer 'postgresql:' yet", "runworker", "--layer", "postgresql://localhost/work")]
    [InlineData("write 'sqlite:work.db'", "runserver", "--layer", "sqlite://work.db")]
    [InlineData("'memory://x' is not the address of the in-memory layer", "--layer", "memory://x")]
    [InlineData("The layer's address is empty", "--Runnel:Layer=")]
    [InlineData("There is no layer 'postgres:' yet", "--Runnel:UseLayer", "postgres://localhost")]
    [InlineData("There is no layer 'postgres:' yet", "--layer", "postgres://localhost", "--Runnel:Early", "true")]
    [InlineData("There is no layer 'postgres:' yet", "runworker", "--layer", "postgres://localhost", "--Runnel:Early", "true")]
    [InlineData("The layer was made before the command line named another one", "runserver", "--noworker", "--layer", "LAYER", "--Runnel:Early", "true")]
    [InlineData("There is no command 'runworkr'; did you mean 'runworker'?", "runworkr", "--layer", "LAYER")]
    [InlineData("There is no command 'run-server'; did you mean 'runserver'?", "run-server")]
    [InlineData("There is no command 'migrate': there are 'runserver', 'runworker', 'channels'.", "--urls", "http://127.0.0.1:0", "migrate")]
    [InlineData("'runworker' takes no argument 'payments'.", "runworker", "payments")]
    [InlineData("'runserver' takes no argument '-n'.", "-n")]
    [InlineData("There is no option '--no-worker'; did you mean '--noworker'?", "runserver", "--no-worker")]
    [InlineData("There is no option '--thread'; did you mean '--threads'?", "runworker", "--thread", "4")]
    [InlineData("There is no option '--layr'; did you mean '--layer'?", "--layr=sqlite:work.db")]
    [InlineData("There is no option '--only-channel'; did you mean '--only-channels'?", "channels", "--only-channel=pay*")]
    [InlineData("There is no option '--Layer'; did you mean '--layer'?", "--Layer=sqlite:work.db")]
    [InlineData("There is no option '--Threads'; did you mean '--threads'?", "runworker", "--Threads", "4")]
    [InlineData("Write the command before '--noworker': runserver --noworker.", "--noworker")]
    [InlineData("'--threads' is an option of 'runworker', not of 'runserver'.", "runserver", "--threads", "4")]
    [InlineData("'--noworker' is an option of 'runserver', not of 'runworker'.", "runworker", "--noworker")]
    [InlineData("'runworker' has no option '--concurrency'. A setting of the application's configuration has its value in the same word: --concurrency=VALUE.", "runworker", "--concurrency", "4")]
    [InlineData("'runserver' has no option '--url'. Did you mean '--urls'?", "--url", "http://127.0.0.1:0")]
    [InlineData("The setting '--urls' has no value", "--urls")]
    [InlineData("The setting '--Shop:Name' has no value", "--Shop:Name", "--layer", "LAYER")]
    [InlineData("The setting '--Shop:Name' has no value", "--Shop:Name", "--Shop:Town=Bath")]
    public async Task What_cannot_work_ends_with_a_sentence(string sentence, params string[] arguments)
    {
        var (code, output, error) = await AppProcess.RunAsync([.. arguments.Select(argument => argument == "LAYER" ? Layer : argument)]);

        Assert.Equal(1, code);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal); // no stack trace
        Assert.Single($"{output}\n{error}".Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Settings_go_to_the_configuration_however_they_are_written()
    {
        await using var server = AppProcess.Start(
            "runserver", "--noworker", "--Runnel:Grace", "7", "--Greeting=Hello @all", "Place=world", "--environment", "Staging", "--Logging:LogLevel:Default=Information",
            "--urls", "http://127.0.0.1:0", "--layer", Layer);
        await server.SaysAsync("Now listening on: http://127.0.0.1:");
        var address = server.Output.Split("Now listening on: ")[1].Split('\n')[0];
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(address), Timeout = Wait.Limit };

        var settings = await http.GetStringAsync(new Uri("/settings?keys=Runnel:Grace,Greeting,Place,environment,layer", UriKind.Relative));

        Assert.Equal($"7|Hello @all|world|Staging|{Layer}", settings);
    }

    [Fact]
    public async Task A_server_that_shares_nothing_but_its_work_says_so()
    {
        await using var apart = AppProcess.Start("runserver", "--urls", "http://127.0.0.1:0", "--queue-layer", Layer);
        await apart.SaysAsync("Now listening on: http://127.0.0.1:");
        await using var together = AppProcess.Start("runserver", "--urls", "http://127.0.0.1:0", "--layer", Layer);
        await together.SaysAsync("Now listening on: http://127.0.0.1:");

        Assert.Contains("Other processes may take the work on 'sqlite:', but group messages", apart.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Other processes may take the work", together.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("runserver")]
    [InlineData("runserver", "--noworker")]
    [InlineData("runworker")]
    public async Task A_layer_that_cannot_be_opened_ends_the_start_with_its_sentence(params string[] command)
    {
        var (code, output, error) = await AppProcess.RunAsync([.. command, "--layer", "redis://cache", "--Runnel:Away", "redis"]);

        Assert.Equal((1, ""), (code, output));
        Assert.Equal("Nothing answers at 'redis://cache': start the server, or give --layer another address.", error.Trim());
    }

    [Fact]
    public async Task A_server_without_worker_takes_nothing_and_a_worker_beside_it_takes_what_it_is_told()
    {
        await using var server = AppProcess.Start("runserver", "--noworker", "--urls", "http://127.0.0.1:0", "--layer", Layer);
        var address = await AddressOfAsync(server);
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = address, Timeout = Wait.Limit };
        await SendAsync(http, "mail", "letter");
        await SendAsync(http, "payments", "first");

        await using var worker = AppProcess.Start("runworker", "--layer", Layer, "--only-channels", "pay*,thumb*", "--only-channels", "mail", "--exclude-channels", "mail", "--urls", address.ToString());
        await worker.SaysAsync("This worker takes the channels 'payments', 'thumbnails'.");
        await worker.SaysAsync("handled payments first");
        await SendAsync(http, "payments", "second");
        await worker.SaysAsync("handled payments second");
        var stopped = await worker.TerminateAsync();
        var (code, output) = await server.TerminateAsync();

        Assert.Equal((0, 0), (code, stopped.Code));
        Assert.DoesNotContain("handled mail", stopped.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("listening", stopped.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("handled", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_is_told_to_end_cancels_what_outlasts_its_grace_and_another_one_gets_it()
    {
        await using var server = AppProcess.Start("runserver", "--noworker", "--urls", "http://127.0.0.1:0", "--layer", Layer);
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = await AddressOfAsync(server), Timeout = Wait.Limit };
        await using var worker = AppProcess.Start("runworker", "--layer", Layer, "--Runnel:Grace", "1");
        await SendAsync(http, "mail", "long");
        await worker.SaysAsync("handled mail long");

        var (code, said) = await worker.TerminateAsync();
        await using var another = AppProcess.Start("runworker", "--layer", Layer, "--Runnel:Grace", "1");
        await another.SaysAsync("handled mail long");

        Assert.True(code == 0, said);
    }

    [Theory]
    [InlineData("fails", "The application stopped because its service MisbehavingService failed: The disk is gone.")]
    [InlineData("never-ends", "The application did not end within 00:00:01. Still working: ")]
    [InlineData("stops-slowly", "The application did not end within 00:00:01. ")]
    [InlineData("two-stop-slowly", "The application did not end within 00:00:01. ")]
    [InlineData("stops-badly", "The application has stopped, but not well: The disk is gone.")]
    [InlineData("closes-badly", "The application has stopped, but not well: The disk is gone.")]
    public async Task An_application_that_ends_badly_says_so_in_a_sentence_and_by_its_exit_code(string how, string sentence)
    {
        foreach (var command in new[] { "runserver", "runworker" })
        {
            await using var process = AppProcess.Start(command, "--urls", "http://127.0.0.1:0", "--layer", Layer, "--Runnel:Misbehaves", how);
            await process.SaysAsync("Application started.");

            var (code, _) = how == "fails" ? await process.EndAsync() : await process.TerminateAsync();

            Assert.StartsWith(sentence, process.StandardError, StringComparison.Ordinal);
            Assert.Equal(1, code);
        }
    }

    private static async Task<Uri> AddressOfAsync(ChildProcess server) => new((await server.SaysAsync("Now listening on: ")).Split("Now listening on: ")[1]);

    private static async Task SendAsync(HttpClient http, string channel, string text)
    {
        using var response = await http.PostAsync(new Uri($"/send/{channel}/{text}", UriKind.Relative), null);
        response.EnsureSuccessStatusCode();
    }
}
