import { expect, test } from "vitest";
import { decode, encode, frameOf, mayComeBack } from "../src/protocol.js";

test("A message is plain JSON", () => {
  expect(encode({ a: [1, null, "é"] })).toBe('{"a":[1,null,"é"]}');
});

test("A payload is wrapped with the name of its stream", () => {
  expect(frameOf({ stream: 'a "b"', json: '{"x":1}' }, false)).toBe('{"stream":"a \\"b\\"","payload":{"x":1}}');
  expect(frameOf({ stream: "a", json: "null" }, true)).toBe('{"stream":"a","payload":null}');
});

test("A value that JSON cannot hold is refused, also as a payload", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;

  expect(() => encode(undefined)).toThrow("no JSON form");
  expect(() => encode(() => 1)).toThrow("no JSON form");
  expect(() => encode(circle)).toThrow(TypeError);
});

test.each([{ a: 1 }, [1, 2], "text", 7, true, null, { stream: 7, payload: 1 }, { payload: 1 }])(
  "%j is a message for no stream",
  (message) => {
    expect(decode(JSON.stringify(message), false)).toEqual({ kind: "message", message });
  },
);

test("A frame with a payload is for its stream, whatever else it holds and whatever the payload is", () => {
  expect(decode('{"stream":"a","payload":{"x":1},"position":"9"}', false)).toEqual({ kind: "payload", stream: "a", payload: { x: 1 } });
  expect(decode('{"stream":"","payload":null}', false)).toEqual({ kind: "payload", stream: "", payload: null });
});

test("A frame can tell of an error of a stream", () => {
  expect(decode('{"stream":"a","error":"No such stream."}', false)).toEqual({ kind: "error", stream: "a", error: "No such stream." });
});

test("A frame can tell that a stream is closed, with or without a code", () => {
  expect(decode('{"stream":"a","close":{"code":1011,"reason":"It broke."}}', false)).toEqual({
    kind: "close",
    stream: "a",
    code: 1011,
    reason: "It broke.",
  });
  expect(decode('{"stream":"a","close":{}}', false)).toEqual({ kind: "close", stream: "a", code: 1005, reason: "" });
});

test("A frame for a stream that says nothing known is unknown, not an error", () => {
  expect(decode('{"stream":"a","news":1}', false)).toEqual({ kind: "unknown" });
});

test("What is not JSON text is malformed and does not throw", () => {
  expect(decode('{"a":', false)).toMatchObject({ kind: "malformed" });
  expect(decode("", false)).toMatchObject({ kind: "malformed" });
  expect(decode(new Uint8Array(3), false)).toMatchObject({ kind: "malformed" });
});

test("Only a policy violation and the refusals of the application are final", () => {
  const codes = [1000, 1001, 1005, 1006, 1008, 1009, 1011, 1012, 1013, 4000, 4399, 4400, 4403, 4499, 4500];

  expect(codes.filter((code) => !mayComeBack(code))).toEqual([1008, 4400, 4403, 4499]);
});
