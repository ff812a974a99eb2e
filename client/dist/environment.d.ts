import type { WebSocketLike } from "./transports/websocket.js";
import type { PageAddress } from "./url.js";
/** What the client takes from the world around it. A test gives its own, as a plain object; an application has no need to. */
export interface Environment {
    /** The page's address, or undefined where there is no page. */
    readonly page: PageAddress | undefined;
    /** A number from 0 (inclusive) to 1 (exclusive). */
    random(): number;
    /** Milliseconds on a clock that is never set back. */
    now(): number;
    /** Calls back once after so many milliseconds. Returns a function that cancels it. */
    after(milliseconds: number, callback: () => void): () => void;
    /** Calls back when the network or the user has returned. Returns a function that ends it. */
    onWake(callback: () => void): () => void;
    /** Starts a WebSocket. */
    openWebSocket(url: string, protocols: string[]): WebSocketLike;
    /** Gets what a listener of the application has thrown. */
    report(error: unknown): void;
}
/** The browser, in a page or in a worker. */
export declare const browser: Environment;
