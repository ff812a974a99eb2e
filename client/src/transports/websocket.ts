import { NORMAL_CLOSURE } from "../protocol.js";
import type { Transport, TransportEvents } from "./transport.js";

/** The part of the browser's WebSocket that this client needs. */
export type WebSocketLike = Pick<WebSocket, "readyState" | "send" | "close" | "onopen" | "onmessage" | "onclose">;

const OPEN = 1;

/** The transport that speaks over this socket, which must be new: no event of it may have passed. */
export function overWebSocket(socket: WebSocketLike, events: TransportEvents): Transport {
  // There is no onerror: a browser tells nothing there, and a close event always follows.
  socket.onopen = () => events.opened();
  socket.onmessage = (event) => events.received(event.data);
  socket.onclose = (event) => events.closed(event.code, event.reason);

  return {
    send(frame) {
      // A socket that is closing swallows what it is given, without a word. Its close event comes later.
      if (socket.readyState !== OPEN) {
        return false;
      }
      socket.send(frame);
      return true;
    },
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(NORMAL_CLOSURE);
    },
  };
}
