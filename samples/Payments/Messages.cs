using Runnel;

namespace Payments;

/// <summary>Charge the order. How, its row says: so an order that is repaired there needs no new message.</summary>
[MessageType("charge")]
public sealed record Charge(string OrderId);

/// <summary>Ask whether the order's charge is settled.</summary>
[MessageType("follow-up")]
public sealed record FollowUp(string OrderId);

/// <summary>Look for orders that were forgotten.</summary>
[MessageType("reconcile")]
public sealed record Reconcile;
