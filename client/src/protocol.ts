/** What a frame of the server says. */
export type Frame =
  | { readonly kind: "message"; readonly message: unknown }
  | { readonly kind: "payload"; readonly stream: string; readonly payload: unknown }
  | { readonly kind: "error"; readonly stream: string; readonly error: string }
  | { readonly kind: "close"; readonly stream: string; readonly code: number; readonly reason: string }
  | { readonly kind: "unknown"; readonly stream: string }
  | { readonly kind: "malformed"; readonly error: Error };

/** RFC 6455: the connection ended without a close frame. Also what a browser reports for a refused handshake. */
export const ABNORMAL_CLOSURE = 1006;

/** RFC 6455: closed because the work is done. What `close()` sends. */
export const NORMAL_CLOSURE = 1000;

const NO_STATUS = 1005;
const POLICY_VIOLATION = 1008;

/**
 * Whether a client whose connection ended with this code should come back.
 *
 * 1008 (policy violation) and 4400–4499 (the application refuses, in the manner of HTTP's 4xx) are final: asking again
 * would get the same answer. Every other code is a reason to come back, 1000 included: a server that ends a connection
 * politely, for a deploy or an idle limit, has not said that the client is unwelcome.
 */
export function mayComeBack(code: number): boolean {
  return code !== POLICY_VIOLATION && !(code >= 4400 && code <= 4499);
}

/**
 * The text frame of a message.
 *
 * @throws {TypeError} JSON has no form for the value: `undefined`, a function, a circle, a `bigint`.
 */
export function encode(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) {
    throw new TypeError("This value has no JSON form and cannot be sent: send an object, an array or a plain value.");
  }
  return text;
}

/**
 * The text frame of a payload for one stream: `{"stream": name, "payload": …}`.
 *
 * @throws {TypeError} JSON has no form for the payload.
 */
export function encodeForStream(stream: string, payload: unknown): string {
  // Without this a payload of undefined would vanish from the object, and the server would get half a frame.
  return `{"stream":${encode(stream)},"payload":${encode(payload)}}`;
}

/**
 * Reads a frame. Never throws: what is not JSON text is `malformed`.
 *
 * A frame is for a stream if it is an object whose `stream` is a string. Members that are not known are passed over, so
 * a newer server may add some; a frame for a stream with none of the known ones is `unknown`.
 */
export function decode(data: unknown): Frame {
  if (typeof data !== "string") {
    return { kind: "malformed", error: new Error("The server sent a binary frame; this client reads JSON text only.") };
  }
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch (error) {
    return { kind: "malformed", error: new Error(`The server sent a frame that is not JSON: ${(error as Error).message}`) };
  }
  return isObject(message) && typeof message.stream === "string"
    ? decodeForStream(message.stream, message)
    : { kind: "message", message };
}

function decodeForStream(stream: string, frame: Record<string, unknown>): Frame {
  if ("payload" in frame) {
    return { kind: "payload", stream, payload: frame.payload };
  }
  if (typeof frame.error === "string") {
    return { kind: "error", stream, error: frame.error };
  }
  if (isObject(frame.close)) {
    const { code, reason } = frame.close;
    return {
      kind: "close",
      stream,
      code: typeof code === "number" ? code : NO_STATUS,
      reason: typeof reason === "string" ? reason : "",
    };
  }
  return { kind: "unknown", stream };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
