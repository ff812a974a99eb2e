import { expect, test } from "vitest";
import type { StateChange } from "../src/index.js";
import { collect, World } from "./fakes.js";

/** The pings that the newest socket sent. */
const pings = (world: World) => world.socket.sent.slice(1).map((frame) => JSON.parse(frame).ping);

test("A silent server is asked whether it is there, and one that answers is left alone", () => {
  const world = new World();
  const client = world.greeted();

  for (let minute = 0; minute < 60; minute++) {
    world.pass(30_000);
    world.socket.deliverJson({ pong: pings(world).at(-1) });
    world.pass(30_000);
  }

  expect(pings(world).length).toBeGreaterThan(59);
  expect(client.state).toBe("connected");
  expect(client.ignored).toBe(0);
});

test("A server that sends is not asked", () => {
  const world = new World();
  world.greeted();

  for (let i = 0; i < 10; i++) {
    world.pass(20_000);
    world.socket.deliverJson({ payload: i });
  }

  expect(pings(world)).toEqual([]);
});

test("A server that answers two pings with nothing is gone", () => {
  const world = new World();
  const client = world.greeted();
  const changes = collect<StateChange>((add) => client.on("state", add));
  const first = world.socket;

  world.pass(89_999);
  expect(pings(world)).toEqual([1, 2]);
  expect(client.state).toBe("connected");
  world.pass(1);

  expect(first.closedWith).toBe(1000);
  expect(changes).toEqual([{ state: "reconnecting", code: 1006, reason: "The server no longer answers." }]);
});

test("When the user or the network returns, the connection has to answer within the time of an attempt", () => {
  const world = new World();
  const client = world.greeted();

  world.wake();
  expect(pings(world)).toEqual([1]);
  world.pass(9_999);
  world.socket.deliverJson({ pong: 1 });
  world.pass(1);
  expect(client.state).toBe("connected");

  world.wake();
  world.pass(10_000);
  expect(client.state).toBe("reconnecting");
});

test("A connection that is asked shortly before its next ping has as much time to answer as any other", () => {
  const world = new World();
  const client = world.greeted();
  world.pass(25_000);

  world.wake();
  world.pass(9_999);

  expect(client.state).toBe("connected");
});

test("The silence counts from the last frame", () => {
  const world = new World();
  world.greeted();
  world.pass(20_000);
  world.socket.deliverJson({ payload: 1 });

  world.pass(29_999);
  expect(pings(world)).toEqual([]);
  world.pass(1);

  expect(pings(world)).toEqual([1]);
});

test("With an interval of 0 the server is asked only when the user or the network returns", () => {
  const world = new World();
  const client = world.greeted({ pingInterval: 0 });

  world.pass(1_000_000);
  expect(pings(world)).toEqual([]);
  world.wake();
  world.socket.deliverJson({ pong: 1 });
  world.pass(1_000_000);

  expect(pings(world)).toEqual([1]);
  expect(client.state).toBe("connected");
});

test("A server without runnel.v1 is never asked", () => {
  const world = new World();
  const client = world.connected();

  world.wake();
  world.pass(1_000_000);

  expect(world.socket.sent).toEqual([]);
  expect(client.state).toBe("connected");
});

test("A connection whose streams have not joined yet has to answer, too", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ joined: [], lost: [] });
  world.socket.end();
  world.pass(world.waits[0]!);
  world.greet();

  world.wake();

  expect(pings(world)).toHaveLength(1);
});
