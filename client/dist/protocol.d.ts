/** What a frame of the server says. */
export type Frame = {
    readonly kind: "message";
    readonly message: unknown;
} | {
    readonly kind: "payload";
    readonly stream: string;
    readonly payload: unknown;
} | {
    readonly kind: "error";
    readonly stream: string;
    readonly error: string;
} | {
    readonly kind: "close";
    readonly stream: string;
    readonly code: number;
    readonly reason: string;
} | {
    readonly kind: "unknown";
    readonly stream: string;
} | {
    readonly kind: "malformed";
    readonly error: Error;
};
/** RFC 6455: the connection ended without a close frame. Also what a browser reports for a refused handshake. */
export declare const ABNORMAL_CLOSURE = 1006;
/** RFC 6455: closed because the work is done. What `close()` sends. */
export declare const NORMAL_CLOSURE = 1000;
/**
 * Whether a client whose connection ended with this code should come back.
 *
 * 1008 (policy violation) and 4400–4499 (the application refuses, in the manner of HTTP's 4xx) are final: asking again
 * would get the same answer. Every other code is a reason to come back, 1000 included: a server that ends a connection
 * politely, for a deploy or an idle limit, has not said that the client is unwelcome.
 */
export declare function mayComeBack(code: number): boolean;
/**
 * The text frame of a message.
 *
 * @throws {TypeError} JSON has no form for the value: `undefined`, a function, a circle, a `bigint`.
 */
export declare function encode(value: unknown): string;
/**
 * The text frame of a payload for one stream: `{"stream": name, "payload": …}`.
 *
 * @throws {TypeError} JSON has no form for the payload.
 */
export declare function encodeForStream(stream: string, payload: unknown): string;
/**
 * Reads a frame. Never throws: what is not JSON text is `malformed`.
 *
 * A frame is for a stream if it is an object whose `stream` is a string. Members that are not known are passed over, so
 * a newer server may add some; a frame for a stream with none of the known ones is `unknown`.
 */
export declare function decode(data: unknown): Frame;
