/**
 * The wait before the next attempt: a random time between nothing and `min(cap, base * 2^failures)` ("full jitter").
 *
 * @param failures Attempts that have failed in a row before this wait; 0 for the first wait.
 * @param random A number from 0 (inclusive) to 1 (exclusive).
 * @returns Milliseconds, never more than `cap`, also when `2^failures` is beyond what a number can hold.
 */
export declare function backoffDelay(failures: number, base: number, cap: number, random: number): number;
