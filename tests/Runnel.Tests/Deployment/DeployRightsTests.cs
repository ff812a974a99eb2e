using System.Globalization;
using System.Text.Json.Nodes;
using Runnel.AspNetCore;
using Runnel.Tests.House;
using Xunit;

namespace Runnel.Tests.Deployment;

/// <summary>What the files of <c>deploy/</c> let the processes do, what they tell them of their clients, and what they keep.</summary>
public sealed class DeployRightsTests
{
    private static readonly string[] Pods = ["gateway", "worker"];

    [Fact]
    public void A_pod_has_no_right_that_it_does_not_need()
    {
        foreach (var name in Pods)
        {
            var (pod, container) = (Manifest.Of("Deployment", name)["spec"]!["template"]!["spec"]!["securityContext"]!, Manifest.ContainerOf(name)["securityContext"]!);

            Assert.Equal(("true", "RuntimeDefault"), (Manifest.Text(pod["runAsNonRoot"]), Manifest.Text(pod["seccompProfile"]!["type"])));
            Assert.Equal(("false", "true"), (Manifest.Text(container["allowPrivilegeEscalation"]), Manifest.Text(container["readOnlyRootFilesystem"])));
            Assert.Equal(["ALL"], Manifest.Words(container["capabilities"]!["drop"]));
        }
    }

    [Theory]
    [InlineData("gateway-1")]
    [InlineData("gateway-2")]
    [InlineData("worker")]
    public void A_container_has_no_right_that_it_does_not_need(string name)
    {
        var service = Manifest.Services[name]!;

        Assert.Equal("true", Manifest.Text(service["read_only"]));
        Assert.Equal(["ALL"], Manifest.Words(service["cap_drop"]));
        Assert.Equal(["no-new-privileges:true"], Manifest.Words(service["security_opt"]));
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("worker")]
    public void A_unit_has_no_right_that_it_does_not_need_and_is_started_again(string name)
    {
        var lines = Lines($"deploy/systemd/runnel-{name}@.service");

        Assert.Superset(
            new HashSet<string>(["User=runnel", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "CapabilityBoundingSet=", "KillSignal=SIGTERM", "KillMode=mixed", "Restart=always"]),
            new HashSet<string>(lines));
    }

    [Fact]
    public void Gateways_learn_from_the_proxy_who_their_clients_are()
    {
        var proxy = Lines("deploy/nginx/runnel-proxy.conf").Select(static line => line.Trim()).ToList();

        Assert.Contains("Environment=ASPNETCORE_FORWARDEDHEADERS_ENABLED=true", Lines("deploy/systemd/runnel-gateway@.service"));
        Assert.All(new[] { "gateway-1", "gateway-2" }, name => Assert.Equal("true", Manifest.Text(Manifest.Services[name]!["environment"]!["ASPNETCORE_FORWARDEDHEADERS_ENABLED"])));
        Assert.Equal("true", Manifest.Text(Manifest.ContainerOf("gateway")["env"]!.AsArray().Single(one => Manifest.Text(one!["name"]) == "ASPNETCORE_FORWARDEDHEADERS_ENABLED")!["value"]));
        // What a client claims to have come from is not passed on.
        Assert.Superset(
            new HashSet<string>(["proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-For $remote_addr;", "proxy_set_header X-Forwarded-Proto $scheme;"]),
            new HashSet<string>(proxy));
    }

    [Fact]
    public void Proxies_wait_for_longer_than_several_pings_and_pass_events_on_at_once()
    {
        var needed = 3 * new GatewayOptions().KeepAliveInterval;
        var proxy = Lines("deploy/nginx/runnel-proxy.conf").Select(static line => line.Trim()).ToList();
        var ingress = Manifest.Of("Ingress", "gateway")["metadata"]!["annotations"]!;

        foreach (var direction in new[] { "read", "send" })
        {
            var nginx = proxy.Single(line => line.StartsWith($"proxy_{direction}_timeout ", StringComparison.Ordinal)).Split(' ')[1];
            Assert.All([nginx.TrimEnd('s', ';'), Manifest.Text(ingress[$"nginx.ingress.kubernetes.io/proxy-{direction}-timeout"])], seconds => Assert.True(Seconds(seconds) > needed, $"{direction}: {seconds}"));
        }
        Assert.Contains("proxy_buffering off;", proxy);
        Assert.Equal("off", Manifest.Text(ingress["nginx.ingress.kubernetes.io/proxy-buffering"]));
        Assert.Contains($"proxy_next_upstream {Manifest.Text(ingress["nginx.ingress.kubernetes.io/proxy-next-upstream"])};", proxy);
    }

    [Fact]
    public void Redis_keeps_what_it_has_confirmed_and_throws_nothing_away()
    {
        var redis = Manifest.Of("StatefulSet", "redis")["spec"]!;
        string[][] commands = [Manifest.Words(Manifest.Services["redis"]!["command"]), Manifest.Words(redis["template"]!["spec"]!["containers"]![0]!["args"])];

        Assert.All(commands, command => Assert.Equal(["redis-server", "--appendonly", "yes", "--maxmemory-policy", "noeviction"], command));
        Assert.Equal(["redis:/data"], Manifest.Words(Manifest.Services["redis"]!["volumes"]));
        Assert.Equal(("data", "/data"), (Manifest.Text(redis["volumeClaimTemplates"]![0]!["metadata"]!["name"]), Manifest.Text(redis["template"]!["spec"]!["containers"]![0]!["volumeMounts"]![0]!["mountPath"])));
    }

    [Fact]
    public void A_gateway_leaves_when_another_one_is_there_and_there_are_always_two_of_each()
    {
        var update = Manifest.Of("Deployment", "gateway")["spec"]!["strategy"]!["rollingUpdate"]!;
        JsonNode[] scalers = [Manifest.Of("HorizontalPodAutoscaler", "gateway")["spec"]!["minReplicas"]!, Manifest.Of("ScaledObject", "worker")["spec"]!["minReplicaCount"]!];

        Assert.Equal(("1", "0"), (Manifest.Text(update["maxSurge"]), Manifest.Text(update["maxUnavailable"])));
        Assert.All(scalers, least => Assert.True(int.Parse(Manifest.Text(least), CultureInfo.InvariantCulture) >= 2));
        Assert.Equal("1", Manifest.Text(Manifest.Of("PodDisruptionBudget", "gateway")["spec"]!["maxUnavailable"]));
        Assert.All(Pods, name => Assert.Null(Manifest.Of("Deployment", name)["spec"]!["replicas"])); // whoever scales them says it
    }

    private static TimeSpan Seconds(string number) => TimeSpan.FromSeconds(int.Parse(number, CultureInfo.InvariantCulture));

    private static string[] Lines(string file) => File.ReadAllLines(Repository.PathTo(file));
}
