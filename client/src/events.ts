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
