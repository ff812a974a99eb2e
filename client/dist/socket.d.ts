import type { Environment } from "./environment.js";
import type { Settings } from "./options.js";
import type { OpenTransport } from "./transports/transport.js";
/**
 * Where a client stands.
 *
 * - `connecting`: the first attempt is under way.
 * - `connected`: messages go straight to the server.
 * - `reconnecting`: there is no connection; the client waits or tries, and will go on.
 * - `closed`: there is no connection and there will be none. Final.
 */
export type State = "connecting" | "connected" | "reconnecting" | "closed";
/** A step from one state to another. */
export interface StateChange {
    /** The state that was entered. */
    readonly state: State;
    /** For `reconnecting` and `closed`: the close code that led there; 1006 if there was none. */
    readonly code?: number;
    /** For `reconnecting` and `closed`: the reason given with the code, often empty. */
    readonly reason?: string;
}
/** A message that will not be sent. */
export interface Drop {
    /** The message as it would have been sent: JSON text. */
    readonly frame: string;
    /** `full`: too many were waiting. `closed`: the client is closed, or was closed while this one waited. */
    readonly cause: "full" | "closed";
}
/** What the socket tells its owner. None of it may throw. */
export interface SocketEvents {
    changed(change: StateChange): void;
    received(data: unknown): void;
    dropped(drop: Drop): void;
}
/** A connection that outlives its transports: when one ends, it waits and opens the next. */
export declare class Socket {
    private readonly openTransport;
    private readonly settings;
    private readonly environment;
    private readonly events;
    private current;
    private readonly changes;
    private readonly outbox;
    private readonly stopWaking;
    private transport;
    private openedAt;
    private failures;
    private cancelTimer;
    constructor(openTransport: OpenTransport, settings: Settings, environment: Environment, events: SocketEvents);
    get state(): State;
    /** Sends the frame, or keeps it for the next connection. Frames leave in the order of the calls. */
    send(frame: string): boolean;
    close(): void;
    private open;
    private opened;
    private giveUp;
    private lost;
    private wasStable;
    private waitAndRetry;
    private retry;
    private hurry;
    private finish;
    private drop;
    private tell;
}
