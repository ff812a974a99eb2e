import type { Transport, TransportEvents } from "./transport.js";
/** The part of the browser's WebSocket that this client needs. */
export type WebSocketLike = Pick<WebSocket, "readyState" | "send" | "close" | "onopen" | "onmessage" | "onclose">;
/** The transport that speaks over this socket, which must be new: no event of it may have passed. */
export declare function overWebSocket(socket: WebSocketLike, events: TransportEvents): Transport;
