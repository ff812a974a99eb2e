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
