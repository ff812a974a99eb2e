import type { Joined, Outcome } from "./events.js";
import { type JoinedGroup, Positions } from "./positions.js";

/** What the client has of each stream, and what each has missed when the client comes back. */
export class Recovery {
  readonly positions = new Positions();
  private readonly known = new Set<string>();
  private readonly joined = new Set<string>();
  private readonly awaited = new Set<string>();
  private hasMissed = true;

  /** Whether every stream that the client had before has said what it missed. */
  get isSettled(): boolean {
    return this.awaited.size === 0;
  }

  /** Whether the client has come back and none of its streams has missed anything. */
  get isComplete(): boolean {
    return this.isSettled && !this.hasMissed;
  }

  /** The server has said hello: its streams begin to join. */
  begin(): void {
    this.joined.clear();
    this.known.forEach((stream) => this.awaited.add(stream));
    this.hasMissed = this.isSettled;
  }

  /** It is waited no longer. */
  stopWaiting(): void {
    this.awaited.clear();
    this.hasMissed = true;
  }

  /** A stream has joined groups. Returns what there is to tell of it. */
  join(stream: string, groups: readonly JoinedGroup[], lost: readonly unknown[]): Joined | undefined {
    const isFirst = !this.joined.has(stream);
    const outcome = outcomeOf(groups, lost);
    this.positions.joined(stream, groups, isFirst);
    this.joined.add(stream);
    if (!isFirst) {
      // A group that is joined later concerns nobody but the consumer, unless it is one that messages are missing of.
      return outcome === "gap" ? { stream, outcome } : undefined;
    }
    const told = this.known.has(stream) ? outcome : "new";
    this.known.add(stream);
    if (this.awaited.delete(stream) && told !== "recovered") {
      this.hasMissed = true;
    }
    return { stream, outcome: told };
  }

  /** A stream is closed. What it misses from now on is no news. */
  close(stream: string): void {
    this.positions.close(stream);
    this.awaited.delete(stream);
  }
}

function outcomeOf(groups: readonly JoinedGroup[], lost: readonly unknown[]): Outcome {
  if (lost.length > 0 || groups.some(({ outcome }) => outcome === "gap")) {
    return "gap";
  }
  return groups.every(({ outcome }) => outcome === "recovered") ? "recovered" : "new";
}
