// Clients of ours in one process of Node: node clients.mjs ADDRESS COUNT
// Says "joined" when all have. A line with an article's id says what is the last one; when all have it, it tells what each client saw, and ends.
import { createInterface } from "node:readline";
import { WebSocket } from "../../../client/node_modules/ws/wrapper.mjs";
import { connect } from "../../../client/dist/client.js";

const [address, count] = process.argv.slice(2);
const clients = [];
let last;

for (let i = 0; i < Number(count); i++) {
  const seen = { joined: false, articles: [], sockets: 0, codes: [], waits: [], recovered: [] };
  let wait = 0;
  class Counted extends WebSocket {
    constructor(...settings) {
      super(...settings);
      seen.sockets++;
    }
  }
  const after = (milliseconds, callback) => {
    wait = milliseconds; // when a connection has ended, the last that was asked for is the wait until the next attempt
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  };
  const client = connect(address, { webSocket: Counted, environment: { after } });
  client.listen((message) => {
    if (message.action === "create") {
      seen.articles.push(message.data.id);
      finish();
    }
  });
  client.on("joined", () => {
    seen.joined = true;
    if (clients.every(({ seen }) => seen.joined)) {
      console.log("joined");
    }
  });
  client.on("state", ({ state, code, recovered }) => {
    if (state === "reconnecting") {
      seen.codes.push(code);
      seen.waits.push(wait);
    } else if (state === "connected") {
      seen.recovered.push(recovered);
    }
  });
  clients.push({ client, seen });
}

function finish() {
  if (last !== undefined && clients.every(({ seen }) => seen.articles.at(-1) >= last)) {
    console.log(`seen ${JSON.stringify(clients.map(({ seen }) => seen))}`);
    process.exit(0);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  last = Number(line);
  finish();
}
