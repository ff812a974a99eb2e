import type { ConnectOptions, Environment, WebSocketLike } from "../src/index.js";
import { Client } from "../src/index.js";

/** A WebSocket whose other end is the test. */
export class FakeSocket implements WebSocketLike {
  readyState: 0 | 1 | 2 | 3 = 0;
  onopen: WebSocket["onopen"] = null;
  onmessage: WebSocket["onmessage"] = null;
  onclose: WebSocket["onclose"] = null;
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

  accept(): void {
    this.readyState = 1;
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
    (this[handler] as ((event: object) => void) | null)?.(event);
  }
}

/** A world where time stands still until the test moves it, and where every random number is a half. */
export class World {
  readonly sockets: FakeSocket[] = [];
  readonly reported: unknown[] = [];
  randomNumber = 0.5;
  refusesSockets = false;
  private time = 0;
  private readonly timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  private readonly wakers = new Set<() => void>();

  readonly environment: Environment = {
    page: { protocol: "https:", host: "example.test" },
    random: () => this.randomNumber,
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

  connect(options: ConnectOptions = {}): Client {
    return new Client("/ws", { ...options, environment: this.environment });
  }

  /** A client whose first socket is open. */
  connected(options: ConnectOptions = {}): Client {
    const client = this.connect(options);
    this.socket.accept();
    return client;
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
