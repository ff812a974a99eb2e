import { backoffDelay } from "./backoff.js";
import type { Environment } from "./environment.js";
import type { Settings } from "./options.js";
import { Outbox } from "./outbox.js";
import { ABNORMAL_CLOSURE, mayComeBack, NORMAL_CLOSURE } from "./protocol.js";
import type { OpenTransport, Transport } from "./transports/transport.js";

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
export class Socket {
  private current: State = "connecting";
  private readonly changes: StateChange[] = [];
  private readonly outbox: Outbox;
  private readonly stopWaking: () => void;
  private transport: Transport | undefined;
  private openedAt: number | undefined;
  private failures = 0;
  // One is enough: an attempt has a time limit, a wait has an end, and a connection has neither.
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly openTransport: OpenTransport,
    private readonly settings: Settings,
    private readonly environment: Environment,
    private readonly events: SocketEvents,
  ) {
    this.outbox = new Outbox(settings.queueCapacity);
    // If the first attempt cannot be made, the address or the subprotocols are wrong, and the caller should hear it.
    this.open();
    this.stopWaking = environment.onWake(() => this.hurry());
  }

  get state(): State {
    return this.current;
  }

  /** Sends the frame, or keeps it for the next connection. Frames leave in the order of the calls. */
  send(frame: string): boolean {
    if (this.current === "closed") {
      return this.drop(frame, "closed");
    }
    if (this.transport?.send(frame)) {
      return true;
    }
    return this.outbox.offer(frame) || this.drop(frame, "full");
  }

  close(): void {
    if (this.current !== "closed") {
      this.finish(NORMAL_CLOSURE, "");
    }
  }

  private open(): void {
    this.transport = this.openTransport({
      opened: () => this.opened(),
      received: (data) => this.events.received(data),
      closed: (code, reason) => this.lost(code, reason),
    });
    this.cancelTimer = this.environment.after(this.settings.connectTimeout, () => this.giveUp());
  }

  private opened(): void {
    this.cancelTimer();
    this.openedAt = this.environment.now();
    this.current = "connected";
    // Before the listeners hear of it: what they send now was sent later, and must leave later.
    this.outbox.drain((frame) => this.transport?.send(frame) ?? false);
    this.tell({ state: "connected" });
  }

  private giveUp(): void {
    this.transport?.close();
    this.lost(ABNORMAL_CLOSURE, "The server did not answer in time.");
  }

  private lost(code: number, reason: string): void {
    this.cancelTimer();
    this.transport = undefined;
    if (!mayComeBack(code)) {
      this.finish(code, reason);
      return;
    }
    this.failures = this.wasStable() ? 0 : this.failures;
    this.openedAt = undefined;
    this.waitAndRetry();
    if (this.current !== "reconnecting") {
      this.current = "reconnecting";
      this.tell({ state: "reconnecting", code, reason });
    }
  }

  // A server that accepts and closes at once has not recovered; an open alone must not make the waits small again.
  private wasStable(): boolean {
    return this.openedAt !== undefined && this.environment.now() - this.openedAt >= this.settings.stableAfter;
  }

  private waitAndRetry(): void {
    const { retryBase, retryCap } = this.settings;
    const delay = backoffDelay(this.failures, retryBase, retryCap, this.environment.random());
    this.failures += 1;
    this.cancelTimer = this.environment.after(delay, () => this.retry());
  }

  private retry(): void {
    try {
      this.open();
    } catch {
      // It was possible before, so it may be again: a browser that is short of sockets refuses like this.
      this.lost(ABNORMAL_CLOSURE, "The browser refused to open a connection.");
    }
  }

  private hurry(): void {
    const isWaiting = this.current === "reconnecting" && this.transport === undefined;
    if (isWaiting) {
      this.cancelTimer();
      this.retry();
    }
  }

  private finish(code: number, reason: string): void {
    this.current = "closed";
    this.cancelTimer();
    this.stopWaking();
    this.transport?.close();
    this.transport = undefined;
    this.outbox.clear().forEach((frame) => this.drop(frame, "closed"));
    this.tell({ state: "closed", code, reason });
  }

  private drop(frame: string, cause: Drop["cause"]): false {
    this.events.dropped({ frame, cause });
    return false;
  }

  // A listener may cause the next change, by close(). The others must still hear of both in their order.
  private tell(change: StateChange): void {
    this.changes.push(change);
    if (this.changes.length > 1) {
      return;
    }
    while (this.changes[0] !== undefined) {
      this.events.changed(this.changes[0]);
      this.changes.shift();
    }
  }
}
