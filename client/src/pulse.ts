import type { Environment } from "./environment.js";

// A consumer that is at work delays the answer to a ping, so one that is not answered is asked again.
const MOST_UNANSWERED = 2;

/**
 * Finds out whether a connection that says nothing still lives. A network that goes away closes no connection, and a
 * page that only listens would not notice for as long as it listens.
 */
export class Pulse {
  private heardAt = 0;
  private unanswered = 0;
  private count = 0;
  private cancelTimer = () => {};

  /**
   * @param interval How long a silence lasts before the server is pinged; 0 for never.
   * @param ping Sends a ping.
   * @param dead The server does not answer. Told once; nothing follows until the next start.
   */
  constructor(
    private readonly environment: Environment,
    private readonly interval: number,
    private readonly ping: (number: number) => void,
    private readonly dead: () => void,
  ) {}

  start(): void {
    this.heard();
    this.look(this.interval);
  }

  stop(): void {
    this.cancelTimer();
  }

  /** Something came from the server. */
  heard(): void {
    this.heardAt = this.environment.now();
    this.unanswered = 0;
  }

  /** Asks now, and waits no longer than so many milliseconds. */
  probe(patience: number): void {
    this.unanswered = MOST_UNANSWERED;
    this.ping(++this.count);
    this.look(patience);
  }

  private look(after: number): void {
    this.cancelTimer();
    if (after > 0) {
      this.cancelTimer = this.environment.after(after, () => this.tick());
    }
  }

  private tick(): void {
    if (this.unanswered >= MOST_UNANSWERED) {
      this.dead();
      return;
    }
    const rest = this.heardAt + this.interval - this.environment.now();
    if (rest <= 0 && this.interval > 0) {
      this.unanswered += 1;
      this.ping(++this.count);
    }
    this.look(rest > 0 ? rest : this.interval);
  }
}
