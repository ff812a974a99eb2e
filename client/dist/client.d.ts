/*! @runnel/client 0.1.0, MIT licence. Built from client/src by "npm run build"; do not edit. */
/** One stream of a shared connection, to send to. */
export interface Stream {
    /** The name of the stream. */
    readonly name: string;
    /** Sends a payload to the stream, with the promises of {@link Client.send}. */
    send(payload: unknown): boolean;
}
/**
 * A connection to a Runnel server that comes back by itself until it is closed.
 *
 * Callbacks stay through every reconnection and are called in the order in which they were added. One that throws is
 * reported to the page's `error` event and stops neither the others nor the connection.
 */
export declare class Client {
    private readonly events;
    private readonly streams;
    private readonly session;
    private readonly counts;
    /** See {@link connect}, which does the same. */
    constructor(url?: Address, options?: ConnectOptions);
    /** Where the client stands now. */
    get state(): State;
    /** How many messages were not sent and will not be. Each was also told to the `drop` listeners. */
    get dropped(): number;
    /** How many frames of the server could not be read. Each was also told to the `error` listeners. */
    get malformed(): number;
    /** How many frames were passed over because nobody listens to their stream or their kind is not known. */
    get ignored(): number;
    /**
     * Calls back with every message that is not for a stream, parsed, in the order of the server.
     *
     * @typeParam TMessage The caller's word for what the server sends; it is not checked.
     * @returns A function that ends it.
     */
    listen<TMessage = unknown>(callback: (message: TMessage) => void): () => void;
    /**
     * Calls back with every payload of one stream, in the order of the server. Frames of a stream without a callback are
     * ignored and counted.
     *
     * @typeParam TPayload The caller's word for what the server sends; it is not checked.
     * @returns A function that ends it.
     */
    demultiplex<TPayload = unknown>(stream: string, callback: (payload: TPayload, stream: string) => void): () => void;
    /**
     * Calls back at each event of this name; see {@link ClientEvents}.
     *
     * @returns A function that ends it.
     * @throws {TypeError} There is no event of this name.
     */
    on<K extends keyof ClientEvents>(event: K, callback: (detail: ClientEvents[K]) => void): () => void;
    /**
     * Sends a value as JSON. It is encoded before the call returns, so it may be changed afterwards.
     *
     * While there is no connection the message waits, in a queue with a bound, and leaves with the next connection.
     * Messages leave in the order of the calls. A message that was handed to an open socket is not sent again if the
     * connection then breaks: each leaves at most once, and only an answer of the server tells that it has arrived.
     *
     * @returns False if the message was dropped, because the queue is full or the client is closed. It was counted.
     * @throws {TypeError} JSON has no form for the value.
     */
    send(value: unknown): boolean;
    /** The stream of this name. Asking opens nothing and costs nothing; ask as often as is handy. */
    stream(name: string): Stream;
    /**
     * Closes the connection for good, with code 1000. No message is delivered after this; what still waits to be sent is
     * dropped and counted. Closing again does nothing.
     */
    close(): void;
}
/**
 * Opens a connection to a Runnel server and keeps it open until {@link Client.close}.
 *
 * Returns at once, while the first attempt is under way; callbacks that are added in the same turn miss nothing.
 * When the connection ends, the client comes back, for ever, after a random wait that grows with each failure, and at
 * once when the network or the user returns. It stays away after its own `close()`, code 1008, and codes 4400 to 4499.
 *
 * @param url Absent: `/ws` on the page's host. Else an address, which may be relative to the page's, or a function that
 * is asked for it at each attempt. If the function fails, so does the attempt.
 * @throws {TypeError} The address leads nowhere from here, or there is no WebSocket here.
 * @throws {RangeError} An option is outside its range.
 * @throws {DOMException} The browser does not accept a subprotocol.
 */
export declare function connect(url?: Address, options?: ConnectOptions): Client;
/** The part of a WebSocket that the client needs. The browser's has it, and so has that of the package `ws`. */
export interface WebSocketLike {
    /** 1 while frames can be sent. */
    readonly readyState: number;
    /** The subprotocol that the server chose; empty if it chose none. */
    readonly protocol: string;
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
    send(frame: string): void;
    close(code?: number): void;
}
/** What the client takes from the world around it. A test gives its own, as a plain object; an application has no need to. */
export interface Environment {
    /** The address that relative ones start from, or undefined where there is no page. */
    readonly base: string | undefined;
    /** Whether there may be a network. False only when the browser is sure that there is none. */
    isOnline(): boolean;
    /** A number from 0 (inclusive) to 1 (exclusive). */
    random(): number;
    /** A string that nobody guesses, for the server to know the client again. */
    newId(): string;
    /** Milliseconds on a clock that is never set back. */
    now(): number;
    /** Calls back once after so many milliseconds. Returns a function that cancels it. */
    after(milliseconds: number, callback: () => void): () => void;
    /** Calls back when the network or the user has returned, or the page was asleep. Returns a function that ends it. */
    onWake(callback: () => void): () => void;
    /** Starts a WebSocket. */
    openWebSocket(url: string, protocols: string[]): WebSocketLike;
    /** Gets what a listener of the application has thrown. */
    report(error: unknown): void;
}
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
    /**
     * For `connected`: whether the client has come back and missed nothing, in any stream that it had before. False at the
     * first connection, and always if the server does not speak `runnel.v1`. If it is false, fetch the present state.
     */
    readonly recovered?: boolean;
    /** For `reconnecting` and `closed`: the close code that led there; 1006 if there was none. */
    readonly code?: number;
    /** For `reconnecting` and `closed`: the reason given with the code, often empty. */
    readonly reason?: string;
}
/**
 * What a stream has missed.
 *
 * - `new`: nothing is known. The stream is joined for the first time, or a group keeps no history.
 * - `recovered`: nothing. What was sent while the client was away follows, in order.
 * - `gap`: messages are missing.
 */
export type Outcome = "new" | "recovered" | "gap";
/** The server has joined a stream to its groups. Only a server that speaks `runnel.v1` tells it. */
export interface Joined {
    /** The name of the stream; empty for the consumer that has the connection to itself. */
    readonly stream: string;
    /** What the stream has missed. Unless that is nothing, it needs the present state. */
    readonly outcome: Outcome;
}
/** A message that will not be sent. */
export interface Drop {
    /** The message: JSON text, with the name of its stream if it was for one. */
    readonly frame: string;
    /** `full`: too many were waiting. `closed`: the client is closed, or was closed while this one waited. */
    readonly cause: "full" | "closed";
}
/** A frame that could not be read. */
export interface MalformedFrame {
    /** What is wrong with it. */
    readonly error: Error;
    /** The frame as it came. */
    readonly data: unknown;
}
/** The server could not do what a frame asked of a stream. The stream goes on. */
export interface StreamError {
    /** The name of the stream. */
    readonly stream: string;
    /** What went wrong, in one sentence, for a person. */
    readonly error: string;
}
/** The server has closed one stream. The connection and its other streams go on. */
export interface StreamClose {
    /** The name of the stream. */
    readonly stream: string;
    /** The close code, with the meanings of RFC 6455; 1005 if the server gave none. */
    readonly code: number;
    /** The reason, often empty. */
    readonly reason: string;
}
/** The events of a {@link Client}, and what a listener gets with each. */
export interface ClientEvents {
    /** The state has changed. Every listener gets every change, in order. */
    state: StateChange;
    /** A stream is there, once for each connection, and again with `gap` if it misses messages later on. */
    joined: Joined;
    /** A message will not be sent. */
    drop: Drop;
    /** A frame of the server could not be read; it was passed over. */
    error: MalformedFrame;
    /** The server could not do what a frame asked of a stream. Told also for a stream that nobody demultiplexes. */
    streamerror: StreamError;
    /** The server has closed one stream of the connection. Told also for a stream that nobody demultiplexes. */
    streamclose: StreamClose;
}
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
