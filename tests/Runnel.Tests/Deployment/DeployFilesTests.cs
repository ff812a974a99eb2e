using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Runnel.AspNetCore.Commands;
using Runnel.Tests.House;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>The files of <c>deploy/</c> fit the application, and each other.</summary>
public sealed partial class DeployFilesTests
{
    private static readonly TimeSpan HostTime = HostTimeOfDefaults();

    public static TheoryData<string, string> Units => new() { { "runnel-gateway@.service", "gateway" }, { "runnel-worker@.service", "worker" } };

    /// <summary>Every command line of the application that the files hold.</summary>
    public static TheoryData<string, string> CommandLines => new()
    {
        { "compose, gateway-1", Joined(Manifest.Words(Manifest.Services["gateway-1"]!["command"])) },
        { "compose, gateway-2", Joined(Manifest.Words(Manifest.Services["gateway-2"]!["command"])) },
        { "compose, worker", Joined(Manifest.Words(Manifest.Services["worker"]!["command"])) },
        { "Kubernetes, gateway", Joined(Manifest.Words(Manifest.ContainerOf("gateway")["args"])) },
        { "Kubernetes, worker", Joined(Manifest.Words(Manifest.ContainerOf("worker")["args"])) },
        { "systemd, gateway", Joined(Words().Split(Setting("runnel-gateway@.service", "ExecStart"))[2..]) },
        { "systemd, worker", Joined(Words().Split(Setting("runnel-worker@.service", "ExecStart"))[2..]) },
        { "Dockerfile", Joined([.. Quoted().Matches(Lines("deploy/Dockerfile").Single(line => line.StartsWith("CMD ", StringComparison.Ordinal))).Select(match => match.Groups[1].Value)]) },
    };

    [Theory]
    [MemberData(nameof(CommandLines))]
    public async Task The_application_understands_its_command_line(string where, string line)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        await using var app = builder.Build();

        var parsed = RunnelCommands.Root(app).Parse(line.Split('\n'));

        Assert.True(parsed.Errors.Count == 0, $"{where}: {string.Join(' ', parsed.Errors.Select(error => error.Message))}");
        Assert.Contains(parsed.CommandResult.Command.Name, new[] { "runserver", "runworker" });
        _ = CommandLineSettings.Of(parsed);
    }

    [Theory]
    [MemberData(nameof(Units))]
    public async Task Systemd_verifies_the_units_and_waits_for_longer_than_the_host(string unit, string program)
    {
        var folder = Directory.CreateTempSubdirectory("runnel-units-");
        var file = Path.Combine(folder.FullName, $"runnel-{program}@8081.service");
        await File.WriteAllTextAsync(file, Read($"deploy/systemd/{unit}").Replace("/usr/bin/dotnet", Environment.ProcessPath, StringComparison.Ordinal));
        using var verify = Process.Start(new ProcessStartInfo("systemd-analyze", ["verify", "--man=no", file]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = await verify.StandardError.ReadToEndAsync() + await verify.StandardOutput.ReadToEndAsync();
        await verify.WaitForExitAsync();
        folder.Delete(recursive: true);

        Assert.Equal((0, ""), (verify.ExitCode, string.Join('\n', said.Split('\n').Where(line => line.Contains($"runnel-{program}", StringComparison.Ordinal)))));
        Assert.True(Seconds(Setting(unit, "TimeoutStopSec")) > HostTime, $"{unit} gives less than the host's {HostTime}.");
    }

    [Fact]
    public void Containers_get_longer_to_stop_than_the_host_waits()
    {
        foreach (var (name, service) in Manifest.Services.Where(service => service.Value!["stop_grace_period"] is not null))
            Assert.True(Seconds(Manifest.Text(service!["stop_grace_period"]).TrimEnd('s')) > HostTime, $"compose gives {name} less than the host's {HostTime}.");
        foreach (var name in new[] { "gateway", "worker" })
        {
            var pod = Manifest.Of("Deployment", name)["spec"]!["template"]!["spec"]!;
            var before = Manifest.ContainerOf(name)["lifecycle"]?["preStop"]!["sleep"]!["seconds"];
            var needed = HostTime + (before is null ? TimeSpan.Zero : Seconds(Manifest.Text(before)));
            Assert.True(Seconds(Manifest.Text(pod["terminationGracePeriodSeconds"])) > needed, $"Kubernetes gives {name} less than {needed}.");
        }
        Assert.Equal(3, Manifest.Services.Count(service => service.Value!["stop_grace_period"] is not null));
    }

    [Fact]
    public void Ports_and_names_fit()
    {
        var container = Manifest.ContainerOf("gateway");
        var ports = container["ports"]!.AsArray().ToDictionary(port => Manifest.Text(port!["name"]), port => Manifest.Text(port!["containerPort"]));
        var arguments = Manifest.Words(container["args"]);

        Assert.Equal(ports.Values, Port().Matches(arguments.Single(word => word.StartsWith("http:", StringComparison.Ordinal))).Select(match => match.Groups[1].Value));
        Assert.Contains($"--MetricsPort={ports["metrics"]}", arguments);
        foreach (var probe in new[] { "startupProbe", "readinessProbe", "livenessProbe" })
        {
            Assert.Contains(Manifest.Text(container[probe]!["httpGet"]!["port"]), ports.Keys);
            Assert.Contains($"MapHealthChecks(\"{Manifest.Text(container[probe]!["httpGet"]!["path"])}\"", Read("samples/Progress/Program.cs"), StringComparison.Ordinal);
        }
        foreach (var service in Manifest.Kubernetes.Where(document => Manifest.Text(document["kind"]) == "Service" && Manifest.Text(document["spec"]!["selector"]!["app"]) == "gateway"))
            Assert.All(service["spec"]!["ports"]!.AsArray(), port => Assert.Contains(Manifest.Text(port!["targetPort"]), ports.Keys));
        var backend = Manifest.Of("Ingress", "gateway")["spec"]!["rules"]![0]!["http"]!["paths"]![0]!["backend"]!["service"]!;
        Assert.Equal(("gateway", "http"), (Manifest.Text(backend["name"]), Manifest.Text(backend["port"]!["name"])));
        Assert.All(new[] { "gateway-1", "gateway-2" }, name => Assert.Contains($"server {name}:8080 ", Read("deploy/compose/nginx.conf"), StringComparison.Ordinal));
        Assert.Contains("http://+:8080", Manifest.Words(Manifest.Services["gateway-1"]!["command"]));
        string[] files = [.. Repository.FilesBelow("deploy/kubernetes", "*.yaml").Select(Path.GetFileName).OfType<string>().Where(file => file != "kustomization.yaml")];
        Assert.Equal(files, Manifest.Words(Manifest.Kubernetes.Single(document => Manifest.Text(document["kind"]) == "Kustomization")["resources"]).Order());
    }

    [Fact]
    public void Workers_are_scaled_by_what_the_application_tells()
    {
        var triggers = Manifest.Of("ScaledObject", "worker")["spec"]!["triggers"]!.AsArray();
        var service = Manifest.Of("Service", "gateway-metrics");

        foreach (var trigger in triggers.Select(trigger => trigger!["metadata"]!))
        {
            var url = new Uri(Manifest.Text(trigger["url"]));
            var metric = Metric().Match(Manifest.Text(trigger["valueLocation"]));
            Assert.Equal("gateway-metrics", url.Host.Split('.')[0]);
            Assert.Equal(Manifest.Text(service["spec"]!["ports"]![0]!["port"]), url.Port.ToString(CultureInfo.InvariantCulture));
            Assert.Contains($"MapChannelDepths(\"{url.AbsolutePath}\")", Read("samples/Progress/Program.cs"), StringComparison.Ordinal);
            Assert.Contains($"(\"{metric.Groups["channel"].Value}\"", Read("samples/Progress/Program.cs"), StringComparison.Ordinal);
            Assert.Contains($"\"{metric.Groups["name"].Value}\"", Read("src/Runnel.AspNetCore/ChannelDepths.cs"), StringComparison.Ordinal);
            Assert.Contains($"\"{metric.Groups["state"].Value}\"", Read("src/Runnel.AspNetCore/ChannelDepths.cs"), StringComparison.Ordinal);
        }
        Assert.Equal(2, triggers.Count);
    }

    [Fact]
    public void The_image_runs_a_sample_and_not_as_root()
    {
        var lines = Lines("deploy/Dockerfile");

        Assert.Equal("USER $APP_UID", lines.Last(line => line.StartsWith("USER ", StringComparison.Ordinal)));
        var sample = lines.First(line => line.StartsWith("ARG SAMPLE=", StringComparison.Ordinal))["ARG SAMPLE=".Length..];
        Assert.All(new[] { sample, Manifest.Text(Manifest.Services["worker"]!["build"]!["args"]!["SAMPLE"]) }, name => Assert.True(File.Exists(Repository.PathTo($"samples/{name}/{name}.csproj"))));
    }

    private static TimeSpan HostTimeOfDefaults()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRunnel();
        using var services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout;
    }

    private static TimeSpan Seconds(string number) => TimeSpan.FromSeconds(int.Parse(number, CultureInfo.InvariantCulture));

    private static string Setting(string unit, string name) => Lines($"deploy/systemd/{unit}").Single(line => line.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];

    private static string Joined(string[] words) => string.Join('\n', words);

    private static string Read(string file) => File.ReadAllText(Repository.PathTo(file));

    private static string[] Lines(string file) => File.ReadAllLines(Repository.PathTo(file));

    [GeneratedRegex(" +")]
    private static partial Regex Words();

    [GeneratedRegex("\"([^\"]*)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@":(\d+)")]
    private static partial Regex Port();

    [GeneratedRegex("""^(?<name>\w+)\{channel="(?<channel>[^"]+)",state="(?<state>\w+)"\}$""")]
    private static partial Regex Metric();
}
