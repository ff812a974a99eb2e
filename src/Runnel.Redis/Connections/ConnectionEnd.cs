namespace Runnel.Redis.Connections;

/// <summary>How a connection ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Refused">What Redis refused for now, in its order: nothing of it was done.</param>
/// <param name="Unanswered">What has no answer, in its order: nobody knows whether it was done.</param>
internal sealed record ConnectionEnd(Exception Reason, IReadOnlyList<RedisCommand> Refused, IReadOnlyList<RedisCommand> Unanswered);
