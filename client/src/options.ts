import type { Environment, WebSocketLike } from "./environment.js";

/** An address, or a function that is asked for it at each attempt, so that it can hold a fresh token. */
export type Address = string | (() => string | Promise<string>);

/** How a client behaves. Times are in milliseconds. */
export interface ConnectOptions {
  /**
   * The WebSocket subprotocols to ask for, most wanted first. Default: `runnel.v1`, without which the client recovers
   * nothing. A consumer that chooses a subprotocol of its own needs a list without it.
   */
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
  /** After how long a silence of the server to ask whether it is still there, with `runnel.v1` only. Default: 30 000. 0 for never. */
  readonly pingInterval?: number;
  /** The class to open WebSockets with. Default: `WebSocket`, which Node has from version 22 on. */
  readonly webSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  /** Stands in for parts of the browser, in tests. Default: the browser. */
  readonly environment?: Partial<Environment>;
}
