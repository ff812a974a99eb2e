import type { Pace } from "./backoff.js";
import type { JoinedGroup, Shown } from "./positions.js";

/** What a frame of the server says. In `runnel.v1`, the stream without a name has the socket to itself. */
export type Frame =
  | { readonly kind: "message"; readonly message: unknown }
  | { readonly kind: "payload"; readonly stream: string; readonly payload: unknown; readonly position: string | undefined }
  | { readonly kind: "error"; readonly stream: string; readonly error: string }
  | { readonly kind: "close"; readonly stream: string; readonly code: number; readonly reason: string }
  | { readonly kind: "hello"; readonly pace: Pace | undefined }
  | { readonly kind: "advice"; readonly pace: Pace | undefined }
  | { readonly kind: "pong" }
  | { readonly kind: "joined"; readonly stream: string; readonly groups: readonly JoinedGroup[]; readonly lost: readonly unknown[] }
  | { readonly kind: "position"; readonly stream: string; readonly position: string }
  | { readonly kind: "gone"; readonly stream: string; readonly tag: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "malformed"; readonly error: Error };

/** A message of the application: JSON text, for a stream or for none. */
export interface Message {
  readonly stream?: string;
  readonly json: string;
}

/** The subprotocol of clients that recover. */
export const RUNNEL_V1 = "runnel.v1";

/** RFC 6455: the connection ended without a close frame. Also what a browser reports for a refused handshake. */
export const ABNORMAL_CLOSURE = 1006;

/** RFC 6455: closed because the work is done. What `close()` sends. */
export const NORMAL_CLOSURE = 1000;

/** RFC 6455's registry: the server is being restarted. */
export const SERVICE_RESTART = 1012;

/** In `runnel.v1`: the server does not speak this version. */
export const PROTOCOL_ERROR = 1002;

/** In `runnel.v1`: the hello was too large. */
export const MESSAGE_TOO_BIG = 1009;

const NO_STATUS = 1005;
const POLICY_VIOLATION = 1008;
const MAX_HELLO_BYTES = 64 * 1024;

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
 * The JSON text of a value.
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

/** The text frame of a message: `{"stream": name, "payload": …}` for a stream. */
export function frameOf({ stream, json }: Message, isV1: boolean): string {
  if (stream !== undefined) {
    return `{"stream":${encode(stream)},"payload":${json}}`;
  }
  return isV1 ? `{"payload":${json}}` : json;
}

/** The hello of `runnel.v1`. What has no room in it is left out: the server then takes it for new. */
export function helloOf(client: string, shown: readonly Shown[]): string {
  const positions: Shown[] = [];
  let room = MAX_HELLO_BYTES - 256;
  for (const entry of shown) {
    room -= new TextEncoder().encode(encode(entry)).length + 1;
    if (room >= 0) {
      positions.push(entry);
    }
  }
  return encode({ hello: { version: 1, client, abilities: [], positions } });
}

/** A ping of `runnel.v1`. */
export function pingOf(number: number): string {
  return encode({ ping: number });
}

/**
 * Reads a frame. Never throws: what is not JSON text is `malformed`.
 *
 * Without `runnel.v1`, a frame is for a stream if it is an object whose `stream` is a string. Members that are not known
 * are passed over, so a newer server may add some; a frame with none of the known ones is `unknown`.
 */
export function decode(data: unknown, isV1: boolean): Frame {
  if (typeof data !== "string") {
    return { kind: "malformed", error: new Error("The server sent a binary frame; this client reads JSON text only.") };
  }
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch (error) {
    return { kind: "malformed", error: new Error(`The server sent a frame that is not JSON: ${(error as Error).message}`) };
  }
  if (isObject(message) && typeof message.stream === "string") {
    return decodeForStream(message.stream, message, isV1);
  }
  if (!isV1) {
    return { kind: "message", message };
  }
  return isObject(message) ? decodeWithoutStream(message) : { kind: "unknown" };
}

function decodeWithoutStream(frame: Record<string, unknown>): Frame {
  if (isObject(frame.hello)) {
    return { kind: "hello", pace: paceOf(frame.hello) };
  }
  if (isObject(frame.close)) {
    return { kind: "advice", pace: paceOf(frame.close) };
  }
  if ("pong" in frame) {
    return { kind: "pong" };
  }
  return decodeForStream("", frame, true);
}

function decodeForStream(stream: string, frame: Record<string, unknown>, isV1: boolean): Frame {
  const position = isV1 && typeof frame.position === "string" ? frame.position : undefined;
  if ("payload" in frame) {
    return { kind: "payload", stream, payload: frame.payload, position };
  }
  if (position !== undefined) {
    return { kind: "position", stream, position };
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
  return (isV1 && decodeOfGroups(stream, frame)) || { kind: "unknown" };
}

function decodeOfGroups(stream: string, { joined, lost, gap, left }: Record<string, unknown>): Frame | undefined {
  if (Array.isArray(joined)) {
    return { kind: "joined", stream, groups: joined.filter(isObject) as unknown as JoinedGroup[], lost: Array.isArray(lost) ? lost : [] };
  }
  const tag = gap ?? left;
  return typeof tag === "string" ? { kind: "gone", stream, tag } : undefined;
}

function paceOf({ reconnect }: Record<string, unknown>): Pace | undefined {
  if (!isObject(reconnect)) {
    return undefined;
  }
  const { after, within } = reconnect;
  return isTime(after) && isTime(within) ? { after, within } : undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
