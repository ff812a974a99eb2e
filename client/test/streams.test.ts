import { expect, test } from "vitest";
import { collect, World } from "./fakes.js";

test("A message that is for no stream reaches every listener, in order", () => {
  const world = new World();
  const client = world.connected();
  const first = collect<unknown>((add) => client.listen(add));
  const second = collect<unknown>((add) => client.listen(add));

  world.socket.deliverJson({ a: 1 });
  world.socket.deliverJson([2]);

  expect(first).toEqual([{ a: 1 }, [2]]);
  expect(second).toEqual(first);
});

test("A payload reaches the callback of its stream, with the stream's name, and nobody else", () => {
  const world = new World();
  const client = world.connected();
  const plain = collect<unknown>((add) => client.listen(add));
  const other = collect<unknown>((add) => client.demultiplex("other", add));
  const calls: unknown[] = [];
  client.demultiplex("articles", (payload, stream) => calls.push([payload, stream]));

  world.socket.deliverJson({ stream: "articles", payload: { id: 7 } });

  expect(calls).toEqual([[{ id: 7 }, "articles"]]);
  expect([...plain, ...other]).toEqual([]);
});

test("A frame of a stream without a callback is ignored and counted", () => {
  const world = new World();
  const client = world.connected();
  const plain = collect<unknown>((add) => client.listen(add));
  const remove = client.demultiplex("left", () => {});
  remove();

  world.socket.deliverJson({ stream: "never", payload: 1 });
  world.socket.deliverJson({ stream: "left", payload: 1 });
  world.socket.deliverJson({ stream: "constructor", payload: 1 });

  expect(plain).toEqual([]);
  expect(client.ignored).toBe(3);
});

test("What the server says about a stream is an event, not a payload", () => {
  const world = new World();
  const client = world.connected();
  const payloads = collect<unknown>((add) => client.demultiplex("a", add));
  const errors = collect<unknown>((add) => client.on("streamerror", add));
  const closes = collect<unknown>((add) => client.on("streamclose", add));

  world.socket.deliverJson({ stream: "a", error: "You may not do that." });
  world.socket.deliverJson({ stream: "b", close: { code: 1011, reason: "It broke." } });

  expect(errors).toEqual([{ stream: "a", error: "You may not do that." }]);
  expect(closes).toEqual([{ stream: "b", code: 1011, reason: "It broke." }]);
  expect(payloads).toEqual([]);
  expect(client.state).toBe("connected");
});

test("A frame that cannot be read is counted and told, and the next one is read", () => {
  const world = new World();
  const client = world.connected();
  const errors = collect<{ data: unknown; error: Error }>((add) => client.on("error", add));
  const messages = collect<unknown>((add) => client.listen(add));

  world.socket.deliver("{oops");
  world.socket.deliverJson("fine");

  expect(client.malformed).toBe(1);
  expect(errors[0]?.data).toBe("{oops");
  expect(errors[0]?.error.message).toContain("not JSON");
  expect(messages).toEqual(["fine"]);
});

test("A callback that throws is reported and stops neither the others nor the connection", () => {
  const world = new World();
  const client = world.connected();
  client.listen(() => {
    throw new Error("A mistake.");
  });
  const messages = collect<unknown>((add) => client.listen(add));

  world.socket.deliverJson(1);
  world.socket.deliverJson(2);

  expect(messages).toEqual([1, 2]);
  expect(world.reported).toHaveLength(2);
  expect(client.state).toBe("connected");
});

test("Callbacks stay through a reconnection", () => {
  const world = new World();
  const client = world.connected();
  const payloads = collect<unknown>((add) => client.demultiplex("a", add));

  world.socket.end();
  world.pass(250);
  world.socket.accept();
  world.socket.deliverJson({ stream: "a", payload: "again" });

  expect(payloads).toEqual(["again"]);
});
