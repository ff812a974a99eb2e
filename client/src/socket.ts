import { backoffDelay, type Pace } from "./backoff.js";
import type { Environment } from "./environment.js";
import type { State, StateChange } from "./events.js";
import { ABNORMAL_CLOSURE, mayComeBack, NORMAL_CLOSURE, SERVICE_RESTART } from "./protocol.js";
import type { Settings } from "./settings.js";
import type { OpenTransport, Transport } from "./transports/transport.js";

/** What the socket tells its owner. None of it may throw. */
export interface SocketEvents {
  /** A transport is open. The attempt goes on until the owner calls {@link Socket.establish}. */
  opened(subprotocol: string): void;
  received(data: unknown): void;
  /** The network or the user has returned, and there is a connection. */
  woken(): void;
  /** The transport has ended. Told before the socket decides what to do. */
  lost(code: number): void;
  changed(change: StateChange): void;
}

/** A connection that outlives its transports: when one ends, it waits and opens the next. */
export class Socket {
  private current: State = "connecting";
  private readonly changes: StateChange[] = [];
  private readonly stopWaking: () => void;
  private transport: Transport | undefined;
  private establishedAt: number | undefined;
  private pace: Pace | undefined;
  private isAdvised = false;
  private failures = 0;
  // A wait that the server has asked for is not cut short: it is what keeps all of its clients from coming at once.
  private isHeld = false;
  // One is enough: an attempt has a time limit, a wait has an end, and a connection has neither.
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly openTransport: OpenTransport,
    private readonly settings: Settings,
    private readonly environment: Environment,
    private readonly events: SocketEvents,
  ) {
    // If the first attempt cannot be made, the address or the subprotocols are wrong, and the caller should hear it.
    this.open();
    this.stopWaking = environment.onWake(() => this.wake());
  }

  get state(): State {
    return this.current;
  }

  /** Hands a frame to the transport. Returns false, and does not take it, if there is none or it does not take it. */
  write(frame: string): boolean {
    return this.transport?.send(frame) ?? false;
  }

  /** The attempt has succeeded. */
  establish(pace?: Pace): void {
    this.cancelTimer();
    this.establishedAt = this.environment.now();
    this.pace = pace;
    this.isAdvised = false;
  }

  /** How to come back when this transport ends. */
  advise(pace: Pace | undefined): void {
    this.pace = pace ?? this.pace;
    this.isAdvised = pace !== undefined;
  }

  /** Tells that the connection can be used. */
  connect(recovered: boolean): void {
    if (this.establishedAt !== undefined && this.current !== "connected") {
      this.current = "connected";
      this.tell({ state: "connected", recovered });
    }
  }

  /** Gives the transport up, as if the connection had broken. */
  cut(reason: string): void {
    this.transport?.close();
    this.lost(ABNORMAL_CLOSURE, reason);
  }

  /** Gives the transport up and opens the next one at once. */
  reopen(): void {
    this.cancelTimer();
    this.transport?.close();
    this.retry();
  }

  close(): void {
    if (this.current !== "closed") {
      this.events.lost(NORMAL_CLOSURE);
      this.finish(NORMAL_CLOSURE, "");
    }
  }

  private open(): void {
    this.transport = this.openTransport({
      opened: (subprotocol) => this.events.opened(subprotocol),
      received: (data) => this.events.received(data),
      closed: (code, reason) => this.lost(code, reason),
    });
    this.cancelTimer = this.environment.after(this.settings.connectTimeout, () => this.cut("The server did not answer in time."));
  }

  private lost(code: number, reason: string): void {
    this.cancelTimer();
    this.transport = undefined;
    this.events.lost(code);
    if (!mayComeBack(code)) {
      this.finish(code, reason);
      return;
    }
    // A server that restarts and says how to come back has not failed.
    this.failures = this.wasStable() || (this.isAdvised && code === SERVICE_RESTART) ? 0 : this.failures;
    this.waitAndRetry();
    this.establishedAt = undefined;
    if (this.current !== "reconnecting") {
      this.current = "reconnecting";
      this.tell({ state: "reconnecting", code, reason });
    }
  }

  // A server that accepts and closes at once has not recovered; an open alone must not make the waits small again.
  private wasStable(): boolean {
    return this.establishedAt !== undefined && this.environment.now() - this.establishedAt >= this.settings.stableAfter;
  }

  private waitAndRetry(): void {
    const { retryBase, retryCap } = this.settings;
    const isHeld = this.establishedAt !== undefined && this.pace !== undefined;
    const pace = isHeld ? this.pace : this.pace && { ...this.pace, after: 0 };
    // Without a network an attempt is only made in case the browser errs, and its failure says nothing of the server.
    const isOnline = this.environment.isOnline();
    const delay = isOnline ? backoffDelay(this.failures, retryBase, retryCap, this.environment.random(), pace) : retryCap;
    this.failures += isOnline ? 1 : 0;
    this.isHeld = isHeld && isOnline;
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

  private wake(): void {
    if (this.establishedAt !== undefined) {
      this.events.woken();
    } else if (this.transport === undefined && !this.isHeld) {
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
    this.tell({ state: "closed", code, reason });
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
