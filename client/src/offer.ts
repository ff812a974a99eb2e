import { RUNNEL_V1 } from "./protocol.js";

/**
 * Which subprotocols to offer to the server.
 *
 * Where none of the offered ones is chosen, some WebSockets open all the same, and others, Chromium's among them, fail
 * without a reason. So while attempts that offer `runnel.v1` fail, now and then one does without it.
 */
export class Offer {
  private tries = 0;
  private isFull = false;
  private hasWorked = false;

  constructor(private readonly protocols: readonly string[]) {}

  /** What the next attempt offers. */
  next(): string[] {
    // A server that has spoken runnel.v1 is away, rather than replaced by one that does not.
    const every = this.hasWorked ? 6 : 2;
    this.isFull = this.tries % every !== every - 1;
    this.tries += 1;
    return this.protocols.filter((protocol) => this.isFull || protocol !== RUNNEL_V1);
  }

  /**
   * The attempt has opened.
   *
   * @returns False if the server could speak `runnel.v1` and was not asked: then the next attempt asks.
   */
  opened(subprotocol: string): boolean {
    const isDoubtful = this.hasWorked && !this.isFull;
    this.hasWorked = subprotocol === RUNNEL_V1;
    this.tries = 0;
    return !isDoubtful;
  }

  /** The server does not speak this version of `runnel.v1`: the next attempt does without it. */
  refused(): void {
    this.hasWorked = false;
    this.tries = 1;
  }
}
