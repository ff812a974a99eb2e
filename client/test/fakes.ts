import type { Address, ConnectOptions, Environment, WebSocketLike } from "../src/index.js";
import { Client } from "../src/index.js";
import type { Shown } from "../src/positions.js";

/** A WebSocket whose other end is the test. */
export class FakeSocket implements WebSocketLike {
  readyState = 0;
  protocol = "";
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly sent: string[] = [];
  closedWith: number | undefined;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(data: unknown): void {
    if (this.readyState === 1) {
      this.sent.push(String(data));
    }
  }

  close(code?: number): void {
    this.readyState = 2;
    this.closedWith = code;
  }

  /** Accepts, and chooses this subprotocol. */
  accept(protocol = ""): void {
    this.readyState = 1;
    this.protocol = protocol;
    this.raise("onopen", {});
  }

  deliver(data: unknown): void {
    this.raise("onmessage", { data });
  }

  deliverJson(value: unknown): void {
    this.deliver(JSON.stringify(value));
  }

  end(code = 1006, reason = ""): void {
    this.readyState = 3;
    this.raise("onclose", { code, reason });
    // The close event is the last one of a real socket too.
    this.onopen = this.onmessage = this.onclose = null;
  }

  private raise(handler: "onopen" | "onmessage" | "onclose", event: object): void {
    this[handler]?.(event);
  }
}

/** A world where time stands still until the test moves it, and where every random number is a half. */
export class World {
  readonly sockets: FakeSocket[] = [];
  readonly reported: unknown[] = [];
  randomNumber = 0.5;
  isOnline = true;
  refusesSockets = false;
  private time = 0;
  private readonly timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  private readonly wakers = new Set<() => void>();

  readonly environment: Environment = {
    base: "https://example.test/app/page",
    isOnline: () => this.isOnline,
    random: () => this.randomNumber,
    newId: () => "client-1",
    now: () => this.time,
    after: (milliseconds, callback) => {
      const timer = { at: this.time + milliseconds, callback };
      this.timers.add(timer);
      return () => void this.timers.delete(timer);
    },
    onWake: (callback) => {
      this.wakers.add(callback);
      return () => void this.wakers.delete(callback);
    },
    openWebSocket: (url, protocols) => {
      if (this.refusesSockets) {
        throw new Error("No socket today.");
      }
      const socket = new FakeSocket(url, protocols);
      this.sockets.push(socket);
      return socket;
    },
    report: (error) => void this.reported.push(error),
  };

  connect(options: ConnectOptions = {}, url: Address = "/ws"): Client {
    return new Client(url, { ...options, environment: this.environment });
  }

  /** A client whose first socket is open. */
  connected(options: ConnectOptions = {}): Client {
    const client = this.connect(options);
    this.socket.accept();
    return client;
  }

  /** A client whose server speaks runnel.v1 and has said hello. */
  greeted(options: ConnectOptions = {}): Client {
    const client = this.connect(options);
    this.greet();
    return client;
  }

  /** Accepts the newest socket as a server of runnel.v1 does. */
  greet(reconnect: unknown = { after: 0, within: 2_000 }): void {
    this.socket.accept("runnel.v1");
    this.socket.deliverJson({ hello: { version: 1, abilities: [], reconnect } });
  }

  /** What the newest socket said first. */
  get hello(): { version: number; client: string; positions: Shown[] } {
    return JSON.parse(this.socket.sent[0]!).hello;
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1]!;
  }

  /** The times until the timers that are set, the next one first. */
  get waits(): number[] {
    return [...this.timers].map((timer) => timer.at - this.time).sort((a, b) => a - b);
  }

  get isListeningForWake(): boolean {
    return this.wakers.size > 0;
  }

  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (let timer = this.nextTimer(end); timer !== undefined; timer = this.nextTimer(end)) {
      this.timers.delete(timer);
      this.time = timer.at;
      timer.callback();
    }
    this.time = end;
  }

  wake(): void {
    this.wakers.forEach((callback) => callback());
  }

  private nextTimer(end: number) {
    return [...this.timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

/** Adds to a list what a callback gets. */
export function collect<T>(subscribe: (callback: (value: T) => void) => unknown): T[] {
  const values: T[] = [];
  subscribe((value) => void values.push(value));
  return values;
}
