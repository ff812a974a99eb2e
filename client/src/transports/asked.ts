import { ABNORMAL_CLOSURE } from "../protocol.js";
import type { Transport, TransportEvents } from "./transport.js";

/**
 * The transport to an address that has to be asked for first. An address that cannot be had, or leads nowhere, is a
 * connection that was never made.
 */
export function overAskedAddress(
  ask: () => string | Promise<string>,
  open: (address: string) => Transport,
  events: TransportEvents,
): Transport {
  let opened: Transport | undefined;
  let isClosed = false;
  new Promise<string>((resolve) => resolve(ask())).then((address) => {
    if (!isClosed) {
      opened = open(address);
    }
  }).catch((error: unknown) => {
    if (!isClosed) {
      events.closed(ABNORMAL_CLOSURE, `There is no address to connect to. ${error instanceof Error ? error.message : error}`);
    }
  });

  return {
    send: (frame) => opened?.send(frame) ?? false,
    close() {
      isClosed = true;
      opened?.close();
    },
  };
}
