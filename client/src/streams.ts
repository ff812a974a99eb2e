import type { MalformedFrame, StreamClose, StreamError } from "./events.js";
import { Listeners } from "./listeners.js";
import type { Frame } from "./protocol.js";

/** What the streams tell their owner. None of it may throw. */
export interface StreamsEvents {
  failed(error: StreamError): void;
  closed(close: StreamClose): void;
  malformed(frame: MalformedFrame): void;
  /** A frame for a stream that nobody listens to, or of a kind that this client does not know. */
  ignored(): void;
}

/** Takes each frame of the server to those who asked for it. */
export class Streams {
  private readonly plain: Listeners<[message: unknown]>;
  private readonly byName = new Map<string, Listeners<[payload: unknown, stream: string]>>();

  constructor(
    private readonly events: StreamsEvents,
    private readonly report: (error: unknown) => void,
  ) {
    this.plain = new Listeners(report);
  }

  listen(callback: (message: unknown) => void): () => void {
    return this.plain.add(callback);
  }

  demultiplex(stream: string, callback: (payload: unknown, stream: string) => void): () => void {
    const listeners = this.byName.get(stream) ?? new Listeners(this.report);
    this.byName.set(stream, listeners);
    return listeners.add(callback);
  }

  /** Hands a frame on. Never throws. */
  receive(frame: Frame, data: unknown): void {
    switch (frame.kind) {
      case "message":
        return this.plain.emit(frame.message);
      case "payload":
        return this.deliver(frame.stream, frame.payload);
      case "error":
        return this.events.failed({ stream: frame.stream, error: frame.error });
      case "close":
        return this.events.closed({ stream: frame.stream, code: frame.code, reason: frame.reason });
      case "malformed":
        return this.events.malformed({ error: frame.error, data });
      default:
        return this.events.ignored();
    }
  }

  private deliver(stream: string, payload: unknown): void {
    if (stream === "") {
      this.plain.emit(payload);
      return;
    }
    const listeners = this.byName.get(stream);
    if (listeners === undefined || listeners.isEmpty) {
      this.events.ignored();
      return;
    }
    listeners.emit(payload, stream);
  }
}
