import type { Environment } from "./environment.js";

/** How a client behaves. Times are in milliseconds. */
export interface ConnectOptions {
  /** The WebSocket subprotocols to ask for, most wanted first. Default: none. */
  readonly protocols?: string | readonly string[];
  /** How many messages may wait while there is no connection. Default: 256. 0 refuses them all. */
  readonly queueCapacity?: number;
  /** The longest possible first wait before coming back; it doubles with each failure. Default: 500. */
  readonly retryBase?: number;
  /** The longest possible wait of all. Default: 20 000. */
  readonly retryCap?: number;
  /** How long a connection must last for the waits to start small again. Default: 5 000. */
  readonly stableAfter?: number;
  /** How long an attempt may take before it counts as failed. Default: 10 000. */
  readonly connectTimeout?: number;
  /** Stands in for parts of the browser, in tests. Default: the browser. */
  readonly environment?: Partial<Environment>;
}

/** The numbers of {@link ConnectOptions}, all present and all valid. */
export interface Settings {
  readonly queueCapacity: number;
  readonly retryBase: number;
  readonly retryCap: number;
  readonly stableAfter: number;
  readonly connectTimeout: number;
}

// A browser's timer with a longer time than this fires at once, which would make a long wait a storm.
const LONGEST_TIMER = 2 ** 31 - 1;

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
