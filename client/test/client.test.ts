import { expect, test } from "vitest";
import { Client, connect, type StateChange } from "../src/index.js";
import { collect, World } from "./fakes.js";

test("Connecting opens one socket at the resolved address with the wanted subprotocols", () => {
  const world = new World();

  const client = connect(undefined, { protocols: ["a", "b"], environment: world.environment });

  expect(client).toBeInstanceOf(Client);
  expect(client.state).toBe("connecting");
  expect(world.sockets.map(({ url, protocols }) => [url, protocols])).toEqual([["wss://example.test/ws", ["a", "b"]]]);
});

test("One subprotocol may be given as a string, none as an empty list, and the default is runnel.v1", () => {
  const world = new World();

  world.connect({ protocols: "chat" });
  world.connect({ protocols: [] });
  world.connect();

  expect(world.sockets.map(({ protocols }) => protocols)).toEqual([["chat"], [], ["runnel.v1"]]);
});

test("A first attempt that cannot be made throws at the caller and leaves nothing behind", () => {
  const world = new World();
  world.refusesSockets = true;

  expect(() => world.connect()).toThrow("No socket today.");
  expect(world.waits).toEqual([]);
  expect(world.isListeningForWake).toBe(false);
});

test("A wrong option throws before anything is opened", () => {
  const world = new World();

  expect(() => world.connect({ queueCapacity: -1 })).toThrow(RangeError);
  expect(world.sockets).toEqual([]);
});

test("Every state is told once, with the code that led there", () => {
  const world = new World();
  const client = world.connect();
  const changes = collect<StateChange>((add) => client.on("state", add));

  world.socket.end(1006);
  world.pass(250);
  world.socket.end(1006);
  world.pass(500);
  world.socket.accept();
  world.socket.end(1012, "Restart");
  world.pass(2_000);
  world.socket.accept();
  world.socket.end(4403, "No longer a member");

  expect(changes).toEqual([
    { state: "reconnecting", code: 1006, reason: "" },
    { state: "connected", recovered: false },
    { state: "reconnecting", code: 1012, reason: "Restart" },
    { state: "connected", recovered: false },
    { state: "closed", code: 4403, reason: "No longer a member" },
  ]);
});

test("A subscription ends when its function is called", () => {
  const world = new World();
  const client = world.connect();
  const changes: StateChange[] = [];
  const remove = client.on("state", (change) => void changes.push(change));

  remove();
  world.socket.accept();

  expect(changes).toEqual([]);
});

test("A listener that closes the client does not change the order of what the others hear", () => {
  const world = new World();
  const client = world.connect();
  client.on("state", ({ state }) => state === "connected" && client.close());
  const changes = collect<StateChange>((add) => client.on("state", add));

  world.socket.accept();

  expect(changes.map(({ state }) => state)).toEqual(["connected", "closed"]);
  expect(client.state).toBe("closed");
});

test("A listener that closes the client when it is lost stops the coming back", () => {
  const world = new World();
  const client = world.connected();
  client.on("state", ({ state }) => state === "reconnecting" && client.close());

  world.socket.end();

  expect(client.state).toBe("closed");
  expect(world.waits).toEqual([]);
});

test("Closing is final: code 1000, no more messages, no coming back, told once", () => {
  const world = new World();
  const client = world.connected();
  const changes = collect<StateChange>((add) => client.on("state", add));
  const messages = collect<unknown>((add) => client.listen(add));

  client.close();
  client.close();
  world.socket.deliverJson("late");
  world.socket.end(1000);
  world.wake();
  world.pass(60_000);

  expect(world.socket.closedWith).toBe(1000);
  expect(changes).toEqual([{ state: "closed", code: 1000, reason: "" }]);
  expect(messages).toEqual([]);
  expect(world.sockets).toHaveLength(1);
});

test.each([false, true])("A client that can recover waits for nothing more once it is closed, whether it comes back at that moment: %s", (comesBack) => {
  const world = new World();
  const client = world.greeted();
  if (comesBack) {
    world.socket.deliverJson({ joined: [], lost: [] });
    world.socket.end();
    world.pass(world.waits[0]!);
    world.greet();
  }
  const sockets = world.sockets.length;

  client.close();

  expect(world.waits).toEqual([]);
  world.pass(24 * 60 * 60 * 1_000);
  expect(client.state).toBe("closed");
  expect(world.sockets).toHaveLength(sockets);
});

test.each(["the first attempt", "a wait", "a later attempt"])("A client can be closed during %s", (moment) => {
  const world = new World();
  const client = world.connect();
  if (moment !== "the first attempt") {
    world.socket.end();
  }
  if (moment === "a later attempt") {
    world.pass(250);
  }
  const sockets = world.sockets.length;

  client.close();
  world.socket.accept();
  world.pass(60_000);

  expect(client.state).toBe("closed");
  expect(world.sockets).toHaveLength(sockets);
  expect(world.waits).toEqual([]);
});

test("Somebody listens for the errors of a socket, which some kinds of it demand", () => {
  const world = new World();

  world.connect();

  expect(world.socket.onerror).toBeInstanceOf(Function);
});

test("An event that does not exist is refused with the names of those that do", () => {
  const client = new World().connect();

  expect(() => client.on("stat" as "state", () => {})).toThrow("state, joined, drop, error, streamerror, streamclose");
});
