export { Client, connect, type Stream } from "./client.js";
export type { Environment, WebSocketLike } from "./environment.js";
export type { ClientEvents, Drop, Joined, MalformedFrame, Outcome, State, StateChange, StreamClose, StreamError } from "./events.js";
export type { Address, ConnectOptions } from "./options.js";
