using Runnel.Layers;

namespace Runnel.Cli;

/// <summary>What scripts read of a dead letter.</summary>
internal sealed record DeadLetterDocument(
    string Id, string Channel, string Type, DeadLetterReason Reason, string? Error, int Attempts, int Crashes, string? Key, DateTimeOffset SentAt, DateTimeOffset DeadAt)
{
    public static DeadLetterDocument Of(DeadLetter letter) => new(
        letter.Envelope.Id.ToString(), letter.Channel.Value, letter.Envelope.Message.Type, letter.Reason, letter.Error,
        letter.Envelope.Attempt, letter.Envelope.Crashes, letter.Envelope.Key, letter.Envelope.SentAt, letter.At);
}
