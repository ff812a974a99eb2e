import { expect, test } from "vitest";
import { World } from "./fakes.js";

// Lets the promises that are settled go on.
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("A function is asked for the address at every attempt, so that a token in it is fresh", async () => {
  const world = new World();
  let asked = 0;
  world.connect({}, () => `/ws?token=${++asked}`);

  await settled();
  world.socket.accept();
  world.socket.end();
  world.pass(250);
  await settled();

  expect(world.sockets.map(({ url }) => url)).toEqual(["wss://example.test/ws?token=1", "wss://example.test/ws?token=2"]);
});

test("The function may take its time, and messages wait for it", async () => {
  const world = new World();
  let give!: (address: string) => void;
  const client = world.connect({}, () => new Promise((resolve) => (give = resolve)));
  expect(client.send("early")).toBe(true);
  await settled();
  expect(world.sockets).toEqual([]);

  give("wss://other.test/ws");
  await settled();
  world.socket.accept();

  expect(world.socket.url).toBe("wss://other.test/ws");
  expect(world.socket.sent).toEqual(['"early"']);
});

test.each([
  ["throws", () => { throw new Error("Nobody is signed in."); }],
  ["is rejected", () => Promise.reject(new Error("Nobody is signed in."))],
  ["leads nowhere", () => "http://"],
])("An address that %s is an attempt that failed, and the next one asks again", async (_, address) => {
  const world = new World();
  let isFailing = true;
  const client = world.connect({}, () => (isFailing ? address() : "/ws"));
  const reasons: unknown[] = [];
  client.on("state", ({ state, reason }) => reasons.push(state, reason));

  await settled();
  expect(reasons).toEqual(["reconnecting", expect.stringMatching("^There is no address to connect to. (Nobody is signed in.|.* leads nowhere)")]);
  isFailing = false;
  world.pass(250);
  await settled();
  world.socket.accept();

  expect(client.state).toBe("connected");
});

test("An address that comes after its attempt was given up, or after the client was closed, opens nothing", async () => {
  const world = new World();
  const gives: ((address: string) => void)[] = [];
  const client = world.connect({}, () => new Promise((resolve) => gives.push(resolve)));

  world.pass(10_000);
  gives[0]!("/late");
  await settled();
  expect(client.state).toBe("reconnecting");
  world.pass(250);
  client.close();
  gives[1]!("/later");
  await settled();

  expect(gives).toHaveLength(2);
  expect(world.sockets).toEqual([]);
  expect(world.waits).toEqual([]);
});

test("A client that has asked for its address closes its socket like any other", async () => {
  const world = new World();
  const client = world.connect({}, () => "/ws");
  await settled();
  world.socket.accept();

  client.close();

  expect(world.socket.closedWith).toBe(1000);
});

test("An address that cannot be had after the client was closed brings nothing back", async () => {
  const world = new World();
  let fail!: (error: Error) => void;
  const client = world.connect({}, () => new Promise((_, reject) => (fail = reject)));

  client.close();
  fail(new Error("Nobody is signed in."));
  await settled();

  expect(client.state).toBe("closed");
  expect(world.waits).toEqual([]);
});

test("A relative address starts from the page", () => {
  const world = new World();

  world.connect({}, "ws");

  expect(world.socket.url).toBe("wss://example.test/app/ws");
});

test("A WebSocket of one's own is used instead of the one of the environment", () => {
  const world = new World();
  const opened: unknown[] = [];
  class Own {
    constructor(url: string, protocols: string[]) {
      opened.push(url, protocols);
      return world.environment.openWebSocket(url, protocols) as unknown as Own;
    }
  }

  const client = world.connect({ webSocket: Own as never, protocols: ["a"] });
  world.socket.accept("a");

  expect(opened).toEqual(["wss://example.test/ws", ["a"]]);
  expect(client.state).toBe("connected");
});
