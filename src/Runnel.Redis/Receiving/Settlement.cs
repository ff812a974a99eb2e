using Runnel.Layers;
using Runnel.Redis.Resp;

namespace Runnel.Redis.Receiving;

/// <summary>What is to become of a claim; the result is whether it was still the worker's.</summary>
internal abstract class Settlement(RedisClaim claim) : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public RedisClaim Claim => claim;

    /// <summary>Whether a step that Redis refused may have done it all the same: a script is not undone where it fails.</summary>
    public bool MayBeDone { get; set; }

    /// <summary>How many arguments of Scripts/step.lua it is; 0 when it is one of those that are simply completed.</summary>
    public abstract int Arguments { get; }

    /// <summary>How much work it is for Redis: one that is simply completed is 1.</summary>
    public int Weight => Arguments == 0 ? 1 : 4;

    /// <summary>How large what it brings is.</summary>
    public virtual int Bytes => 0;

    public abstract void Write(RespWriter writer);

    internal sealed class Complete(RedisClaim claim) : Settlement(claim)
    {
        public override int Arguments => Claim.Key.IsEmpty ? 0 : 3;

        public override void Write(RespWriter writer)
        {
            writer.Add("complete"u8);
            Claim.AddField(writer);
            writer.Add(Claim.Key.Span);
        }
    }

    internal sealed class Abandon(RedisClaim claim, AbandonOptions options, ReadOnlyMemory<byte>? payload) : Settlement(claim)
    {
        public override int Arguments => 6;

        public override int Bytes => payload?.Length ?? 0;

        public override void Write(RespWriter writer)
        {
            writer.Add("abandon"u8);
            Claim.AddField(writer);
            writer.Add(options.CountsAttempt ? 1 : 0);
            writer.Add((long)Math.Ceiling(Math.Max(options.Delay.TotalMicroseconds, 0)));
            writer.Add(payload is null ? 0 : 1);
            writer.Add((payload ?? default).Span);
        }
    }

    internal sealed class DeadLetter(RedisClaim claim, DeadLetterReason reason, ReadOnlyMemory<byte> error) : Settlement(claim)
    {
        public override int Arguments => 4;

        public override int Bytes => error.Length;

        public override void Write(RespWriter writer)
        {
            writer.Add("bury"u8);
            Claim.AddField(writer);
            writer.Add((int)reason);
            writer.Add(error.Span);
        }
    }
}
