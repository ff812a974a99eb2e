namespace Articles;

/// <summary>What opens the doors. A door without a configured secret stays shut, except on a developer's own machine.</summary>
public sealed record Secrets(string? ApiKey, string? AdminPassword)
{
    private const string ForDevelopment = "dev";

    public static Secrets Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var fallback = environment.IsDevelopment() ? ForDevelopment : null;
        return new Secrets(Configured("Articles:ApiKey") ?? fallback, Configured("Articles:AdminPassword") ?? fallback);

        string? Configured(string key) => configuration[key] is { Length: > 0 } value ? value : null;
    }

    /// <summary>Says at start-up how to get in. Names only the passwords that everybody knows.</summary>
    public void Announce(ILogger logger)
    {
        if (AdminPassword is null)
            logger.LogWarning("Nobody can sign in at /admin: configure Articles:AdminPassword.");
        else if (AdminPassword == ForDevelopment)
            logger.LogInformation("Sign in at /admin as 'admin' with the password '{Password}'.", AdminPassword);

        if (ApiKey is null)
            logger.LogWarning("The API takes no key: configure Articles:ApiKey to let programs write.");
        else if (ApiKey == ForDevelopment)
            logger.LogInformation("Programs may write with the header 'X-Api-Key: {Key}'.", ApiKey);
    }
}
