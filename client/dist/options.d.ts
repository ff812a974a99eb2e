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
/**
 * Fills in the defaults.
 *
 * @throws {RangeError} A value is outside its range; the message names it.
 */
export declare function readSettings(options: ConnectOptions): Settings;
