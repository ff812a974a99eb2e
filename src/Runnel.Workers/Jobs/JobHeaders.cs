using System.Text.Json;
using Runnel.Layers;

namespace Runnel.Workers.Jobs;

/// <summary>What is known of a job and not for its clients: in the headers of its message, and of the states that are told of it.</summary>
/// <remarks>A state goes to the members of the job's group as it is, so its body has only what every one of them may see.</remarks>
internal static class JobHeaders
{
    private const string Owner = "runnel-owner";
    private const string Tags = "runnel-tags";
    private const string ErrorDetail = "runnel-error";

    /// <summary>Puts the owner and the tags of a job beside its message's own headers.</summary>
    public static void Add(Dictionary<string, string> headers, SendOptions options)
    {
        if (options.Owner is not null)
            headers[Owner] = options.Owner;
        if (options.Tags is { Count: > 0 } tags)
            headers[Tags] = JsonSerializer.Serialize(tags);
    }

    /// <summary>The state of a job, with the owner and the tags that its message has.</summary>
    public static JobStatus With(JobStatus status, Message message) => status with
    {
        Owner = message.Headers.GetValueOrDefault(Owner),
        Tags = message.Headers.TryGetValue(Tags, out var tags) ? ReadTags(tags) : [],
    };

    // A message of the application's own may have any header.
    private static string[] ReadTags(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(text) ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>A state as it is published: what is for all in the body, the rest in the headers.</summary>
    public static Message Write(string type, JobStatus status)
    {
        var headers = new Dictionary<string, string>();
        Add(headers, new SendOptions { Owner = status.Owner, Tags = status.Tags });
        if (status.ErrorDetail is not null)
            headers[ErrorDetail] = status.ErrorDetail;
        return new Message(type, JsonSerializer.SerializeToUtf8Bytes(status, JsonSerializerOptions.Web), headers);
    }

    /// <summary>The state that was published.</summary>
    public static JobStatus Read(Message message)
    {
        var status = JsonSerializer.Deserialize<JobStatus>(message.Body.Span, JsonSerializerOptions.Web)!;
        return With(status, message) with { ErrorDetail = message.Headers.GetValueOrDefault(ErrorDetail) };
    }
}
