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
export declare class Streams {
    private readonly events;
    private readonly report;
    private readonly plain;
    private readonly byName;
    constructor(events: StreamsEvents, report: (error: unknown) => void);
    listen(callback: (message: unknown) => void): () => void;
    demultiplex(stream: string, callback: (payload: unknown, stream: string) => void): () => void;
    /** Reads a frame and hands it on. Never throws. */
    receive(data: unknown): void;
    private deliver;
}
