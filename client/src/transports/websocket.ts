import type { WebSocketLike } from "../environment.js";
import { NORMAL_CLOSURE } from "../protocol.js";
import type { Transport, TransportEvents } from "./transport.js";

const OPEN = 1;

/** The transport that speaks over this socket, which must be new: no event of it may have passed. */
export function overWebSocket(socket: WebSocketLike, events: TransportEvents): Transport {
  socket.onopen = () => events.opened(socket.protocol);
  socket.onmessage = (event) => events.received(event.data);
  socket.onclose = (event) => events.closed(event.code, event.reason);
  // A close event always follows. Where nobody listens for errors, the package ws ends the process.
  socket.onerror = () => {};

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
