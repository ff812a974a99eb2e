import { Listeners } from "./listeners.js";
import { decode } from "./protocol.js";

/** The server could not do what a frame asked of a stream. The stream goes on. */
export interface StreamError {
  /** The name of the stream. */
  readonly stream: string;
  /** What went wrong, in one sentence, for a person. */
  readonly error: string;
}

/** The server has closed one stream. The connection and its other streams go on. */
export interface StreamClose {
  /** The name of the stream. */
  readonly stream: string;
  /** The close code, with the meanings of RFC 6455; 1005 if the server gave none. */
  readonly code: number;
  /** The reason, often empty. */
  readonly reason: string;
}

/** A frame that could not be read. */
export interface MalformedFrame {
  /** What is wrong with it. */
  readonly error: Error;
  /** The frame as it came. */
  readonly data: unknown;
}

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

  /** Reads a frame and hands it on. Never throws. */
  receive(data: unknown): void {
    const frame = decode(data);
    switch (frame.kind) {
      case "message":
        return this.plain.emit(frame.message);
      case "payload":
        return this.deliver(frame.stream, frame.payload);
      case "error":
        return this.events.failed({ stream: frame.stream, error: frame.error });
      case "close":
        return this.events.closed({ stream: frame.stream, code: frame.code, reason: frame.reason });
      case "unknown":
        return this.events.ignored();
      case "malformed":
        return this.events.malformed({ error: frame.error, data });
    }
  }

  private deliver(stream: string, payload: unknown): void {
    const listeners = this.byName.get(stream);
    if (listeners === undefined || listeners.isEmpty) {
      this.events.ignored();
      return;
    }
    listeners.emit(payload, stream);
  }
}
