import { expect, test } from "vitest";
import { World } from "./fakes.js";

test("The server says how its clients come back, and a wake-up does not cut that short", () => {
  const world = new World();
  world.greeted();

  world.socket.deliverJson({ close: { code: 1012, reason: "", reconnect: { after: 1_000, within: 10_000 } } });
  world.socket.end(1012);
  expect(world.waits).toEqual([6_000]);
  world.wake();
  expect(world.waits).toEqual([6_000]);
  world.pass(6_000);
  world.greet();
  world.socket.end();

  expect(world.waits).toEqual([2_000]);
});

test("A restart that the server announces is no failure, however short the connection was", () => {
  const world = new World();
  world.greeted();

  for (let restart = 0; restart < 3; restart++) {
    world.socket.deliverJson({ close: { code: 1012, reason: "", reconnect: { after: 0, within: 2_000 } } });
    world.socket.end(1012);
    expect(world.waits).toEqual([1_000]);
    world.pass(1_000);
    world.greet();
  }
  world.socket.deliverJson({ close: { code: 1013, reason: "", reconnect: { after: 0, within: 2_000 } } });
  world.socket.end(1013);

  expect(world.waits).toEqual([2_000]);
});

test("A restart that is not announced is a failure, although an earlier one was announced", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ close: { code: 1012, reason: "", reconnect: { after: 0, within: 2_000 } } });
  world.socket.end(1012);
  world.pass(1_000);
  world.greet();

  world.socket.end(1012);

  expect(world.waits).toEqual([2_000]);
});

test("A wake-up cuts short what the client waits after a failed attempt, although the server has asked for the first wait", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ close: { code: 1012, reason: "", reconnect: { after: 0, within: 2_000 } } });
  world.socket.end(1012);
  world.pass(1_000);
  world.socket.end();

  world.wake();

  expect(world.sockets).toHaveLength(3);
});

test("The time to wait before the first attempt is not waited again before the others", () => {
  const world = new World();
  world.greeted();

  world.socket.deliverJson({ close: { code: 1013, reason: "", reconnect: { after: 60_000, within: 1_000 } } });
  world.socket.end(1013);
  expect(world.waits).toEqual([60_500]);
  world.pass(60_500);
  world.socket.end();

  expect(world.waits).toEqual([1_000]);
});

test.each([
  { after: "soon", within: 7_000 },
  { after: -1, within: 7_000 },
  { after: 7_000, within: -1 },
  { after: 7_000 },
  7_000,
])("Nonsense in the server's advice is passed over: %j", (reconnect) => {
  const world = new World();
  world.greeted();

  world.socket.deliverJson({ close: { code: 1012, reconnect } });
  world.socket.end(1012);

  expect(world.waits).toEqual([1_000]);
});

test("Advice that makes no sense announces no restart", () => {
  const world = new World();
  world.greeted();
  world.socket.end();
  world.pass(world.waits[0]!);
  world.greet();

  world.socket.deliverJson({ close: { code: 1012, reconnect: "soon" } });
  world.socket.end(1012);

  expect(world.waits).toEqual([2_000]);
});
