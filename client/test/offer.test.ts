import { expect, test } from "vitest";
import { World } from "./fakes.js";

const protocols = ["runnel.v1", "chat"];

/** Which of the attempts so far offered runnel.v1. */
const offers = (world: World) => world.sockets.map((socket) => socket.protocols.includes("runnel.v1"));

/** Ends the newest socket and lets the client make its next attempt. */
function fail(world: World, code = 1006): void {
  world.socket.end(code);
  world.pass(world.waits[0]!);
}

test("A server that chooses nothing is spoken to as ever", () => {
  const world = new World();
  const client = world.connect({ protocols });
  const messages: unknown[] = [];
  client.listen((message) => messages.push(message));

  world.socket.accept();
  client.send({ a: 1 });
  world.socket.deliverJson({ payload: 1 });

  expect(world.socket.sent).toEqual(['{"a":1}']);
  expect(messages).toEqual([{ payload: 1 }]);
});

test("Every other attempt does without runnel.v1, because some browsers fail where it is not chosen", () => {
  const world = new World();
  world.connect({ protocols });

  for (let i = 0; i < 3; i++) {
    fail(world);
  }

  expect(offers(world)).toEqual([true, false, true, false]);
  expect(world.sockets[1]!.protocols).toEqual(["chat"]);
});

test("After a connection without runnel.v1 it is offered again", () => {
  const world = new World();
  world.connect({ protocols });
  fail(world);
  world.socket.accept("chat");

  fail(world);

  expect(offers(world)).toEqual([true, false, true]);
});

test("A server that has spoken runnel.v1 is offered it five times before an attempt does without", () => {
  const world = new World();
  world.greeted({ protocols });

  for (let i = 0; i < 6; i++) {
    fail(world);
  }

  expect(offers(world)).toEqual([true, true, true, true, true, true, false]);
});

test("If that attempt opens, runnel.v1 is offered once more at once, so that nothing is given up by mistake", () => {
  const world = new World();
  const client = world.greeted({ protocols });
  for (let i = 0; i < 6; i++) {
    fail(world);
  }
  const doubtful = world.socket;

  doubtful.accept("chat");
  expect(doubtful.closedWith).toBe(1000);
  expect(offers(world).at(-1)).toBe(true);
  world.greet();

  expect(client.state).toBe("connected");
  expect(doubtful.sent).toEqual([]);
});

test("The time of the attempt that opened without runnel.v1 does not count for the one after it", () => {
  const world = new World();
  const client = world.greeted({ protocols });
  for (let i = 0; i < 6; i++) {
    fail(world);
  }
  world.socket.accept("chat");
  world.greet();

  world.pass(10_000);

  expect(client.state).toBe("connected");
});

test("A server that was replaced by one without runnel.v1 is found out", () => {
  const world = new World();
  const client = world.greeted({ protocols });
  for (let i = 0; i < 6; i++) {
    fail(world);
  }

  world.socket.accept("chat");
  fail(world);
  world.socket.accept("chat");

  expect(offers(world).at(-1)).toBe(false);
  expect(client.state).toBe("connected");
});

test("A connection of runnel.v1 that is closed with 1002 once it works says nothing of the version", () => {
  const world = new World();
  world.greeted({ protocols });

  fail(world, 1002);

  expect(offers(world)).toEqual([true, true]);
});

test("A server that does not speak this version is asked for none the next time", () => {
  const world = new World();
  world.connect({ protocols });
  world.socket.accept("runnel.v1");

  fail(world, 1002);

  expect(offers(world)).toEqual([true, false]);
});
