import { browser } from "./browser.js";
import type { ClientEvents, State } from "./events.js";
import { Listeners } from "./listeners.js";
import type { Address, ConnectOptions } from "./options.js";
import { encode, RUNNEL_V1 } from "./protocol.js";
import { Session } from "./session.js";
import { readSettings } from "./settings.js";
import { Streams } from "./streams.js";
import { overAskedAddress } from "./transports/asked.js";
import type { TransportEvents } from "./transports/transport.js";
import { overWebSocket } from "./transports/websocket.js";
import { resolveUrl } from "./url.js";

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
export class Client {
  private readonly events: { readonly [K in keyof ClientEvents]: Listeners<[ClientEvents[K]]> };
  private readonly streams: Streams;
  private readonly session: Session;
  private readonly counts = { dropped: 0, malformed: 0, ignored: 0 };

  /** See {@link connect}, which does the same. */
  constructor(url?: Address, options: ConnectOptions = {}) {
    const environment = { ...browser, ...options.environment };
    const report = (error: unknown) => environment.report(error);
    const { webSocket: WebSocket } = options;

    this.events = {
      state: new Listeners(report),
      joined: new Listeners(report),
      drop: new Listeners(report),
      error: new Listeners(report),
      streamerror: new Listeners(report),
      streamclose: new Listeners(report),
    };
    this.streams = new Streams(
      {
        failed: (error) => this.events.streamerror.emit(error),
        closed: (close) => this.events.streamclose.emit(close),
        malformed: (frame) => {
          this.counts.malformed += 1;
          this.events.error.emit(frame);
        },
        ignored: () => {
          this.counts.ignored += 1;
        },
      },
      report,
    );

    const open = (protocols: string[], events: TransportEvents) => {
      const openAt = (address?: string) => {
        const resolved = resolveUrl(address, environment.base);
        return overWebSocket(WebSocket ? new WebSocket(resolved, protocols) : environment.openWebSocket(resolved, protocols), events);
      };
      return typeof url === "function" ? overAskedAddress(url, openAt, events) : openAt(url);
    };
    this.session = new Session(open, [options.protocols ?? RUNNEL_V1].flat() as string[], readSettings(options), environment, {
      changed: (change) => this.events.state.emit(change),
      joined: (joined) => this.events.joined.emit(joined),
      received: (frame, data) => this.streams.receive(frame, data),
      dropped: (drop) => {
        this.counts.dropped += 1;
        this.events.drop.emit(drop);
      },
    });
  }

  /** Where the client stands now. */
  get state(): State {
    return this.session.state;
  }

  /** How many messages were not sent and will not be. Each was also told to the `drop` listeners. */
  get dropped(): number {
    return this.counts.dropped;
  }

  /** How many frames of the server could not be read. Each was also told to the `error` listeners. */
  get malformed(): number {
    return this.counts.malformed;
  }

  /** How many frames were passed over because nobody listens to their stream or their kind is not known. */
  get ignored(): number {
    return this.counts.ignored;
  }

  /**
   * Calls back with every message that is not for a stream, parsed, in the order of the server.
   *
   * @typeParam TMessage The caller's word for what the server sends; it is not checked.
   * @returns A function that ends it.
   */
  listen<TMessage = unknown>(callback: (message: TMessage) => void): () => void {
    return this.streams.listen(callback as (message: unknown) => void);
  }

  /**
   * Calls back with every payload of one stream, in the order of the server. Frames of a stream without a callback are
   * ignored and counted.
   *
   * @typeParam TPayload The caller's word for what the server sends; it is not checked.
   * @returns A function that ends it.
   */
  demultiplex<TPayload = unknown>(stream: string, callback: (payload: TPayload, stream: string) => void): () => void {
    return this.streams.demultiplex(stream, callback as (payload: unknown, stream: string) => void);
  }

  /**
   * Calls back at each event of this name; see {@link ClientEvents}.
   *
   * @returns A function that ends it.
   * @throws {TypeError} There is no event of this name.
   */
  on<K extends keyof ClientEvents>(event: K, callback: (detail: ClientEvents[K]) => void): () => void {
    if (!Object.keys(this.events).includes(event)) {
      throw new TypeError(`There is no event "${event}"; the events are ${Object.keys(this.events).join(", ")}.`);
    }
    return this.events[event].add(callback);
  }

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
  send(value: unknown): boolean {
    return this.session.send({ json: encode(value) });
  }

  /** The stream of this name. Asking opens nothing and costs nothing; ask as often as is handy. */
  stream(name: string): Stream {
    return { name, send: (payload) => this.session.send({ stream: name, json: encode(payload) }) };
  }

  /**
   * Closes the connection for good, with code 1000. No message is delivered after this; what still waits to be sent is
   * dropped and counted. Closing again does nothing.
   */
  close(): void {
    this.session.close();
  }
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
export function connect(url?: Address, options?: ConnectOptions): Client {
  return new Client(url, options);
}
