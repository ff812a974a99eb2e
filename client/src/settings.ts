import type { ConnectOptions } from "./options.js";

/** The numbers of {@link ConnectOptions}, all present and all valid. */
export interface Settings {
  readonly queueCapacity: number;
  readonly retryBase: number;
  readonly retryCap: number;
  readonly stableAfter: number;
  readonly connectTimeout: number;
  readonly pingInterval: number;
}

/** A browser's timer with a longer time than this fires at once, which would make a long wait a storm. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A value is outside its range; the message names it.
 */
export function readSettings(options: ConnectOptions): Settings {
  return {
    queueCapacity: capacity("queueCapacity", options.queueCapacity ?? 256),
    retryBase: time("retryBase", options.retryBase ?? 500),
    retryCap: time("retryCap", options.retryCap ?? 20_000),
    stableAfter: time("stableAfter", options.stableAfter ?? 5_000),
    connectTimeout: time("connectTimeout", options.connectTimeout ?? 10_000),
    pingInterval: options.pingInterval === 0 ? 0 : time("pingInterval", options.pingInterval ?? 30_000),
  };
}

function capacity(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`The option ${name} must be a whole number of messages, 0 or more; it is ${value}.`);
  }
  return value;
}

function time(name: string, value: number): number {
  if (!(value > 0 && value <= LONGEST_TIMER)) {
    throw new RangeError(`The option ${name} must be more than 0 and at most ${LONGEST_TIMER} milliseconds; it is ${value}.`);
  }
  return value;
}
