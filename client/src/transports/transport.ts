/** What a transport tells its owner. None of it is told before the opening call has returned. */
export interface TransportEvents {
  /** The server has accepted the connection, and chosen this subprotocol; empty for none. */
  opened(subprotocol: string): void;
  /** A frame has arrived; a text frame is a string. */
  received(data: unknown): void;
  /** The connection is over, or was never made. Told once; nothing follows. */
  closed(code: number, reason: string): void;
}

/** One connection to the server, good for one life: it is never opened again. */
export interface Transport {
  /** Hands over a text frame. Returns false, and does not take it, before `opened` is told and once the end has begun. */
  send(frame: string): boolean;
  /** Ends the connection. Its owner hears nothing more from it. */
  close(): void;
}

/** Starts a connection. Throws when the attempt cannot even be made, such as for an address that is none. */
export type OpenTransport = (events: TransportEvents) => Transport;
