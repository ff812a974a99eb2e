import { LONGEST_TIMER } from "./settings.js";

/** How a server wants its clients to come back: after so many milliseconds, and within so many more. */
export interface Pace {
  readonly after: number;
  readonly within: number;
}

/**
 * The wait before the next attempt: a random time between nothing and `min(cap, base * 2^failures)` ("full jitter").
 *
 * A server's pace replaces the base for the first wait. Later waits spread at least as wide.
 *
 * @param failures Attempts that have failed in a row before this wait; 0 for the first wait.
 * @param random A number from 0 (inclusive) to 1 (exclusive).
 * @param pace What the server has asked for, if it has.
 * @returns Milliseconds that a timer can keep, also when `2^failures` is beyond what a number can hold.
 */
export function backoffDelay(failures: number, base: number, cap: number, random: number, pace?: Pace): number {
  const { after, within } = pace ?? { after: 0, within: base };
  const first = failures === 0 ? within : Math.max(base, within);
  // Waiting a random part of the whole window, not the window plus a little, keeps ten thousand clients
  // that lost the same server from coming back in the same moment.
  return Math.min(LONGEST_TIMER, after + random * Math.min(Math.max(cap, within), first * 2 ** failures));
}
