export { Client, type ClientEvents, connect, type Stream } from "./client.js";
export type { Environment } from "./environment.js";
export type { ConnectOptions } from "./options.js";
export type { Drop, State, StateChange } from "./socket.js";
export type { MalformedFrame, StreamClose, StreamError } from "./streams.js";
export type { WebSocketLike } from "./transports/websocket.js";
export type { PageAddress } from "./url.js";
