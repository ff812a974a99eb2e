using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Guides.Redis;

public static class Program
{
    public static void Choose(WebApplicationBuilder builder)
    {
        // <redis-use>
        builder.Services.AddRunnel().UseRedis("redis://cache:6379", redis => redis.Prefix = "shop");
        // </redis-use>
    }

    public static void Encrypt(WebApplicationBuilder builder)
    {
        // <redis-encrypt>
        builder.Services.AddRunnel().UseRedis("rediss://cache", redis =>
        {
            foreach (var key in builder.Configuration.GetSection("Shop:RedisKeys").GetChildren())
                redis.EncryptionKeys.Add(key.Value!);
        });
        // </redis-encrypt>
    }
}
