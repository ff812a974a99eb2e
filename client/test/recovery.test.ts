import { expect, test } from "vitest";
import type { Client, Joined, StateChange } from "../src/index.js";
import { collect, World } from "./fakes.js";

const entry = (outcome: string, place: string, seal = "s") => ({ outcome, position: place, seal });

/** Breaks the connection and lets the client come back to a server that greets it. */
function comeBack(world: World): void {
  world.socket.end();
  world.pass(world.waits[0]!);
  world.greet();
}

function watch(client: Client): { joined: Joined[]; states: StateChange[] } {
  return { joined: collect<Joined>((add) => client.on("joined", add)), states: collect<StateChange>((add) => client.on("state", add)) };
}

test("The client says hello first, and what waits to be sent leaves after the server's hello", () => {
  const world = new World();
  const client = world.connect();
  client.send("early");
  client.stream("articles").send(1);

  world.socket.accept("runnel.v1");
  expect(world.socket.sent).toHaveLength(1);
  expect(client.state).toBe("connecting");
  expect(world.hello).toEqual({ version: 1, client: "client-1", abilities: [], positions: [] });
  world.socket.deliverJson({ hello: { version: 1 } });

  expect(client.state).toBe("connected");
  expect(world.socket.sent.slice(1)).toEqual(['{"payload":"early"}', '{"stream":"articles","payload":1}']);
});

test("A server that does not say hello in time has not answered", () => {
  const world = new World();
  const client = world.connect();
  world.socket.accept("runnel.v1");

  world.pass(10_000);

  expect(client.state).toBe("reconnecting");
});

test("The first connection is new, and nothing of it is recovered", () => {
  const world = new World();
  const client = world.connect();
  const { joined, states } = watch(client);

  world.greet();
  world.socket.deliverJson({ stream: "articles", joined: [entry("new", "t.1")], lost: [] });
  world.socket.deliverJson({ stream: "echo", joined: [], lost: [] });

  expect(states).toEqual([{ state: "connected", recovered: false }]);
  expect(joined).toEqual([
    { stream: "articles", outcome: "new" },
    { stream: "echo", outcome: "new" },
  ]);
});

test("The client is connected again when every stream that it had has said what it missed", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ stream: "a", joined: [entry("new", "t.1")], lost: [] });
  world.socket.deliverJson({ stream: "b", joined: [], lost: [] });
  const { joined, states } = watch(client);

  comeBack(world);
  world.socket.deliverJson({ stream: "a", joined: [entry("recovered", "t.1")], lost: [] });
  expect(states.map(({ state }) => state)).toEqual(["reconnecting"]);
  world.socket.deliverJson({ stream: "b", joined: [], lost: [] });

  expect(states[1]).toEqual({ state: "connected", recovered: true });
  expect(joined.map(({ outcome }) => outcome)).toEqual(["recovered", "recovered"]);
});

test.each([
  ["a gap", [entry("gap", "t.9")], [], "gap"],
  ["a lost position", [entry("recovered", "t.1")], ["u.1"], "gap"],
  ["a group without history", [entry("recovered", "t.1"), { outcome: "new" }], [], "new"],
])("A stream that comes back to %s has not recovered", (_, groups, lost, outcome) => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });
  const { joined, states } = watch(client);

  comeBack(world);
  world.socket.deliverJson({ joined: groups, lost });

  expect(joined).toEqual([{ stream: "", outcome }]);
  expect(states.at(-1)).toEqual({ state: "connected", recovered: false });
});

test("A stream that the server closes, or no longer has, does not keep the client waiting", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ stream: "a", joined: [], lost: [] });
  world.socket.deliverJson({ stream: "b", joined: [], lost: [] });
  const { states } = watch(client);

  comeBack(world);
  world.socket.deliverJson({ stream: "a", joined: [], lost: [] });
  world.socket.deliverJson({ stream: "b", close: { code: 1008, reason: "" } });
  comeBack(world);
  world.socket.deliverJson({ stream: "a", joined: [], lost: [] });
  world.pass(10_000);

  expect(states.filter(({ state }) => state === "connected").map(({ recovered }) => recovered)).toEqual([true, false]);
});

test("A connection that breaks before its streams have joined says nothing of the next one", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });
  const { states } = watch(client);

  comeBack(world);
  world.pass(6_000);
  comeBack(world);
  world.pass(6_000);
  expect(client.state).toBe("reconnecting");
  world.socket.deliverJson({ joined: [entry("recovered", "t.1")], lost: [] });

  expect(world.hello.positions).toHaveLength(1);
  expect(states).toMatchObject([{ state: "reconnecting" }, { state: "connected", recovered: true }]);
});

test("Messages flow before every stream has joined", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ stream: "a", joined: [], lost: [] });
  const payloads = collect<unknown>((add) => client.demultiplex("b", add));

  comeBack(world);
  world.socket.deliverJson({ stream: "b", payload: 1 });
  client.send(2);

  expect(client.state).toBe("reconnecting");
  expect(payloads).toEqual([1]);
  expect(world.socket.sent[1]).toBe('{"payload":2}');
});

test("A message that is being handled does not count yet", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });
  client.listen(() => comeBack(world));

  world.socket.deliverJson({ payload: 1, position: "t.2" });
  expect(world.hello.positions).toMatchObject([{ position: "t.1" }]);
  comeBack(world);

  expect(world.hello.positions).toMatchObject([{ position: "t.2" }]);
});

test("A position counts for a group that was joined, with or without a payload", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ stream: "a", joined: [entry("new", "t.1", "s1"), entry("new", "u.1", "s2"), { outcome: "new" }], lost: [] });

  world.socket.deliverJson({ stream: "a", payload: 1, position: "t.2" });
  world.socket.deliverJson({ stream: "a", payload: 2, position: "other.7" });
  world.socket.deliverJson({ stream: "a", position: "u.2" });
  world.socket.deliverJson({ stream: "b", position: "u.9" });
  comeBack(world);

  expect(world.hello.positions).toEqual([
    { stream: "a", position: "t.2", seal: "s1" },
    { stream: "a", position: "u.2", seal: "s2" },
  ]);
});

test("The first joined of a connection replaces what is known of the stream, and a later one adds to it", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ stream: "a", joined: [entry("new", "t.1"), entry("new", "u.1")], lost: [] });
  world.socket.deliverJson({ stream: "b", joined: [entry("new", "t.1")], lost: [] });

  comeBack(world);
  world.socket.deliverJson({ stream: "a", joined: [entry("recovered", "u.1", "s3")], lost: ["t.1"] });
  world.socket.deliverJson({ stream: "a", joined: [entry("new", "v.1")] });
  comeBack(world);

  expect(world.hello.positions).toEqual([
    { stream: "a", position: "u.1", seal: "s3" },
    { stream: "a", position: "v.1", seal: "s" },
    { stream: "b", position: "t.1", seal: "s" },
  ]);
});

test("A position without a seal is not shown, since the server would refuse the hello", () => {
  const world = new World();
  world.greeted();

  world.socket.deliverJson({ joined: [{ outcome: "new", position: "t.1" }, { outcome: "new", seal: "s" }, entry("new", "u.1")], lost: [] });
  comeBack(world);

  expect(world.hello.positions).toEqual([{ position: "u.1", seal: "s" }]);
});

test("A gap, a group that was left, and a stream that is closed are no longer shown", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ stream: "a", joined: [entry("new", "t.1"), entry("new", "u.1"), entry("new", "v.1")], lost: [] });
  world.socket.deliverJson({ stream: "b", joined: [entry("new", "t.1")], lost: [] });

  world.socket.deliverJson({ stream: "a", gap: "t" });
  world.socket.deliverJson({ stream: "a", left: "u" });
  world.socket.deliverJson({ stream: "b", close: { code: 1011, reason: "" } });
  comeBack(world);

  expect(world.hello.positions).toEqual([{ stream: "a", position: "v.1", seal: "s" }]);
});

test("A gap that the consumer has dealt with is told, and a group that it joins later is not", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });
  const { joined } = watch(client);

  world.socket.deliverJson({ gap: "t" });
  world.socket.deliverJson({ joined: [entry("new", "u.1")] });
  expect(joined).toEqual([]);
  world.socket.deliverJson({ joined: [entry("gap", "t.9")] });

  expect(joined).toEqual([{ stream: "", outcome: "gap" }]);
});

test("After a connection without runnel.v1 the old positions are worth nothing", () => {
  const world = new World();
  const client = world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });
  const { states } = watch(client);

  world.socket.end();
  world.pass(world.waits[0]!);
  world.socket.accept();
  expect(states.at(-1)).toEqual({ state: "connected", recovered: false });
  comeBack(world);

  expect(world.hello.positions).toEqual([]);
});

test("A connection that is closed with 1009 once it works keeps its positions: it was not the hello that was too large", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });

  world.socket.end(1009);
  world.pass(world.waits[0]!);
  world.greet();

  expect(world.hello.positions).toEqual([{ position: "t.1", seal: "s" }]);
});

test("A hello holds no more than the server takes", () => {
  const world = new World();
  world.greeted();
  const groups = Array.from({ length: 500 }, (_, i) => entry("new", `t${i}.1`, "é".repeat(200)));
  world.socket.deliverJson({ joined: groups, lost: [] });

  comeBack(world);

  const bytes = Buffer.byteLength(world.socket.sent[0]!);
  expect(bytes).toBeLessThanOrEqual(64 * 1024);
  expect(bytes).toBeGreaterThan(60 * 1024);
});

test("A hello that is too large all the same is followed by one without positions", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });

  world.socket.end();
  world.pass(world.waits[0]!);
  world.socket.accept("runnel.v1");
  world.socket.end(1009);
  world.pass(world.waits[0]!);
  world.greet();

  expect(world.hello.positions).toEqual([]);
});

test("A second hello changes nothing", () => {
  const world = new World();
  world.greeted();
  world.socket.deliverJson({ joined: [entry("new", "t.1")], lost: [] });

  world.socket.deliverJson({ hello: { version: 1 } });
  world.socket.deliverJson({ joined: [entry("new", "u.1")] });
  comeBack(world);

  expect(world.hello.positions).toHaveLength(2);
});

test("What is about the connection reaches no listener", () => {
  const world = new World();
  const client = world.greeted();
  const messages = collect<unknown>((add) => client.listen(add));
  const errors = collect<unknown>((add) => client.on("streamerror", add));

  world.socket.deliverJson({ hello: { version: 1 } });
  world.socket.deliverJson({ news: 1 });
  world.socket.deliverJson([1]);
  world.socket.deliverJson({ stream: null, error: "Which stream?" });
  world.socket.deliverJson({ payload: "mine" });

  expect(messages).toEqual(["mine"]);
  expect(errors).toEqual([{ stream: "", error: "Which stream?" }]);
  expect(client.ignored).toBe(2);
});
