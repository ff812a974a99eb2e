import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { Client, type StateChange } from "../src/index.js";
import { Server } from "./server.js";

function connect(server: Server) {
  const client = new Client(server.url, { webSocket: WebSocket, retryBase: 1 });
  return { client, [Symbol.dispose]: () => client.close() };
}

function connected(client: Client): Promise<StateChange> {
  return new Promise((resolve) => {
    const end = client.on("state", (change) => {
      if (change.state === "connected") {
        end();
        resolve(change);
      }
    });
  });
}

test("A WebSocket that insists on a subprotocol connects to a server that chooses none", async () => {
  await using server = await Server.start(false);
  using connection = connect(server);
  const { client } = connection;
  client.send("early");

  const change = await connected(client);
  const peer = await server.accept().then(async (first) => (server.offers.length > 1 ? server.accept() : first));

  expect(change).toEqual({ state: "connected", recovered: false });
  expect(await peer.receive()).toBe("early");
  expect(server.offers).toEqual([["runnel.v1"], []]);
});

test("A client that is cut off shows the server what it has, and hears that it has missed nothing", async () => {
  await using server = await Server.start("runnel.v1");
  using connection = connect(server);
  const { client } = connection;
  const article = new Promise((resolve) => client.demultiplex("articles", resolve));
  const first = await server.accept();
  const { hello } = await first.receive();

  first.send({ hello: { version: 1, abilities: [], reconnect: { after: 0, within: 1 } } });
  first.send({ stream: "articles", joined: [{ outcome: "new", position: "t.0", seal: "s" }], lost: [] });
  first.send({ stream: "articles", payload: "first", position: "t.1" });
  expect(await article).toBe("first");
  first.cut();
  const second = await server.accept();
  const back = connected(client);
  const again = await second.receive();
  second.send({ hello: { version: 1, abilities: [] } });
  second.send({ stream: "articles", joined: [{ outcome: "recovered", position: "t.1", seal: "s" }], lost: [] });

  expect(hello.positions).toEqual([]);
  expect(again.hello).toEqual({ ...hello, positions: [{ stream: "articles", position: "t.1", seal: "s" }] });
  expect(await back).toEqual({ state: "connected", recovered: true });
});

test("A server that goes away and returns finds its client again", async () => {
  const first = await Server.start("runnel.v1");
  using connection = connect(first);
  const { client } = connection;
  const peer = await first.accept();
  peer.send({ hello: { version: 1, abilities: [], reconnect: { after: 0, within: 1 } } });
  await connected(client);

  await first[Symbol.asyncDispose]();
  await using second = await Server.start("runnel.v1", first.port);
  const { hello } = await (await second.accept()).receive();

  expect(hello.version).toBe(1);
});
