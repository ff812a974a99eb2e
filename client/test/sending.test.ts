import { expect, test } from "vitest";
import type { Drop } from "../src/index.js";
import { collect, World } from "./fakes.js";

test("A message goes out as JSON text, and a payload with the name of its stream", () => {
  const world = new World();
  const client = world.connected();

  expect(client.send({ a: 1 })).toBe(true);
  expect(client.stream("articles").send({ id: 7 })).toBe(true);

  expect(world.socket.sent).toEqual(['{"a":1}', '{"stream":"articles","payload":{"id":7}}']);
});

test("What is sent before the connection is there leaves in order when it opens", () => {
  const world = new World();
  const client = world.connect();
  client.send(1);
  client.stream("s").send(2);

  world.socket.accept();
  client.send(3);

  expect(world.socket.sent).toEqual(["1", '{"stream":"s","payload":2}', "3"]);
});

test("What a listener sends at the moment of opening leaves after what was waiting", () => {
  const world = new World();
  const client = world.connect();
  client.on("state", ({ state }) => state === "connected" && client.send("hello"));
  client.send("earlier");

  world.socket.accept();

  expect(world.socket.sent).toEqual(['"earlier"', '"hello"']);
});

test("A waiting message is what it was when it was sent", () => {
  const world = new World();
  const client = world.connect();
  const value = { count: 1 };
  client.send(value);
  value.count = 2;

  world.socket.accept();

  expect(world.socket.sent).toEqual(['{"count":1}']);
});

test("A message that was handed to an open socket is not sent again", () => {
  const world = new World();
  const client = world.connected();
  client.send("once");

  world.socket.end();
  client.send("waiting");
  world.pass(250);
  world.socket.accept();

  expect(world.socket.sent).toEqual(['"waiting"']);
});

test("A message to a socket that is closing waits for the next connection", () => {
  const world = new World();
  const client = world.connected();
  world.socket.readyState = 2;

  expect(client.send("late")).toBe(true);
  world.socket.end(1012);
  world.pass(250);
  world.socket.accept();

  expect(world.socket.sent).toEqual(['"late"']);
  expect(client.dropped).toBe(0);
});

test("A full queue refuses the newest message, counts it and tells of it", () => {
  const world = new World();
  const client = world.connect({ queueCapacity: 2 });
  const drops = collect<Drop>((add) => client.on("drop", add));

  expect([client.send(1), client.send(2), client.stream("s").send(3)]).toEqual([true, true, false]);
  world.socket.accept();

  expect(world.socket.sent).toEqual(["1", "2"]);
  expect(drops).toEqual([{ frame: '{"stream":"s","payload":3}', cause: "full" }]);
  expect(client.dropped).toBe(1);
});

test("The queue holds 256 messages unless told otherwise", () => {
  const world = new World();
  const client = world.connect();

  const taken = Array.from({ length: 300 }, (_, i) => client.send(i)).filter(Boolean);

  expect(taken).toHaveLength(256);
  expect(client.dropped).toBe(44);
});

test("What still waits when the client closes, and what is sent afterwards, is counted as dropped", () => {
  const world = new World();
  const client = world.connect();
  const drops = collect<Drop>((add) => client.on("drop", add));
  client.send("waiting");

  client.close();

  expect(client.send("after")).toBe(false);
  expect(drops).toEqual([
    { frame: '"waiting"', cause: "closed" },
    { frame: '"after"', cause: "closed" },
  ]);
  expect(client.dropped).toBe(2);
});

test("A value that JSON cannot hold throws at the caller and is not queued", () => {
  const world = new World();
  const client = world.connect();

  expect(() => client.send(undefined)).toThrow(TypeError);
  world.socket.accept();

  expect(world.socket.sent).toEqual([]);
});
