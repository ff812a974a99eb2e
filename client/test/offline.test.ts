import { expect, test } from "vitest";
import { World } from "./fakes.js";

test("Without a network the client hardly tries, and its failures do not count", () => {
  const world = new World();
  world.connected();
  world.isOnline = false;

  world.socket.end();
  for (let i = 0; i < 5; i++) {
    expect(world.waits).toEqual([20_000]);
    world.pass(20_000);
    world.socket.end();
  }
  world.isOnline = true;
  world.wake();
  world.socket.end();

  expect(world.waits).toEqual([250]);
});

test("When the network returns, the client connects at once", () => {
  const world = new World();
  const client = world.connected();
  world.isOnline = false;
  world.socket.end();
  world.pass(60);

  world.isOnline = true;
  world.wake();
  world.socket.accept();

  expect(client.state).toBe("connected");
  expect(world.sockets).toHaveLength(2);
});

test("The time that the server asked for does not hold up a client whose network has returned", () => {
  const world = new World();
  world.greeted();
  world.isOnline = false;
  world.socket.end();
  expect(world.waits).toEqual([20_000]);

  world.isOnline = true;
  world.wake();

  expect(world.sockets).toHaveLength(2);
});
