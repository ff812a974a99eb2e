import { expect, test } from "vitest";
import { World } from "./fakes.js";

/** Ends the newest socket and returns how long the client then waits. */
function waitAfterLoss(world: World, code = 1006): number | undefined {
  world.socket.end(code);
  return world.waits[0];
}

test("The waits double while the attempts fail, up to the cap, and there is no last attempt", () => {
  const world = new World();
  world.connect();

  const waits = Array.from({ length: 40 }, () => {
    const wait = waitAfterLoss(world)!;
    world.pass(wait);
    return wait;
  });

  expect(waits.slice(0, 8)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(waits[39]).toBe(10_000);
  expect(world.sockets).toHaveLength(41);
});

test.each([1000, 1001, 1006, 1011, 1012, 1013, 4000])("Code %d from the server makes the client come back", (code) => {
  const world = new World();
  const client = world.connected();

  expect(waitAfterLoss(world, code)).toBe(250);
  expect(client.state).toBe("reconnecting");
  world.pass(250);
  world.socket.accept();

  expect(client.state).toBe("connected");
});

test.each([1008, 4400, 4403, 4499])("Code %d from the server makes the client stay away", (code) => {
  const world = new World();
  const client = world.connected();

  expect(waitAfterLoss(world, code)).toBeUndefined();
  world.wake();

  expect(client.state).toBe("closed");
  expect(world.sockets).toHaveLength(1);
  expect(world.isListeningForWake).toBe(false);
});

test("A server that accepts and closes at once does not make the waits small again", () => {
  const world = new World();
  world.connect();

  const waits = Array.from({ length: 4 }, () => {
    world.socket.accept();
    world.pass(4_999);
    const wait = waitAfterLoss(world)!;
    world.pass(wait);
    return wait;
  });

  expect(waits).toEqual([250, 500, 1_000, 2_000]);
});

test("A connection that has lasted makes the waits small again", () => {
  const world = new World();
  world.connect();
  for (let i = 0; i < 5; i++) {
    world.pass(waitAfterLoss(world)!);
  }

  world.socket.accept();
  world.pass(5_000);

  expect(waitAfterLoss(world)).toBe(250);
});

test("An attempt after a lasting connection does not count as lasting itself", () => {
  const world = new World();
  world.connected();
  world.pass(60_000);
  world.pass(waitAfterLoss(world)!);
  world.pass(6_000);

  expect(waitAfterLoss(world)).toBe(500);
});

test("When the network or the user returns, a waiting client tries at once, and only once", () => {
  const world = new World();
  world.connected();
  world.socket.end();

  world.wake();
  world.wake();

  expect(world.sockets).toHaveLength(2);
  expect(world.waits).toEqual([10_000]);
});

test("When the user returns, a connected client does nothing", () => {
  const world = new World();
  world.connected();

  world.wake();

  expect(world.sockets).toHaveLength(1);
});

test("An attempt without an answer is given up, and its late answer is not heard", () => {
  const world = new World();
  const client = world.connect();
  const first = world.socket;

  world.pass(10_000);

  expect(first.closedWith).toBe(1000);
  expect(client.state).toBe("reconnecting");
  first.accept();
  expect(client.state).toBe("reconnecting");
  world.pass(250);
  expect(world.sockets).toHaveLength(2);
});

test("A connection that is open is under no time limit", () => {
  const world = new World();
  world.connected();

  world.pass(24 * 60 * 60 * 1_000);

  expect(world.sockets).toHaveLength(1);
  expect(world.waits).toEqual([]);
});

test("A browser that refuses a socket on a later attempt does not end the attempts", () => {
  const world = new World();
  const client = world.connected();
  world.socket.end();
  world.refusesSockets = true;
  world.pass(250);
  expect(world.waits).toEqual([500]);

  world.refusesSockets = false;
  world.pass(500);
  world.socket.accept();

  expect(client.state).toBe("connected");
});
