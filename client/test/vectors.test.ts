import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Client } from "../src/index.js";
import { World } from "./fakes.js";

// The conversations of docs/protocol.md, each with the sentence that introduces it.
const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
const vectors = [...page.matchAll(/^([^\n]+):\n\n```vectors\n(.*?)```/gms)].map(([, title, lines]) => [title!, lines!.trim().split("\n")] as const);

/** Plays the server's part of a conversation, and compares the client's. */
class Replay {
  readonly world = new World();
  private client: Client | undefined;
  private party: string | undefined;
  private path = "";
  private payloads: unknown[] = [];
  private expected: unknown[] = [];
  private isBroken = false;

  play(line: string): void {
    const [, verb, rest] = /^(\S+) ?(.*)$/.exec(line)!;
    switch (verb) {
      case "connect":
        return void (this.path = rest!);
      case ">":
        return this.says(JSON.parse(rest!));
      case "<":
        return this.hears(JSON.parse(known(rest!)));
      case "cut":
        return this.world.socket.end();
      case "closed":
        return this.closed(Number(rest));
      case "send": case "event": case "gap":
        return; // what comes of it follows
      default:
        throw new Error(`"${line}" is not a line of a test vector.`);
    }
  }

  check(): void {
    expect(this.payloads).toEqual(this.expected);
  }

  private says(message: { hello?: object; ping?: number; stream?: string; payload?: unknown }): void {
    const { sent } = this.world.socket ?? {};
    if (this.world.socket === undefined || this.world.socket.readyState !== 1) {
      this.greets(message.hello as never);
    } else if (message.ping !== undefined) {
      this.world.wake();
      expect(JSON.parse(sent!.at(-1)!)).toEqual({ ping: expect.any(Number) });
    } else {
      this.client!.stream(message.stream!).send(message.payload);
      expect(JSON.parse(sent!.at(-1)!)).toEqual(message);
    }
  }

  // Whoever is at another address, or has another name, is another client.
  private greets(hello: { version: number; client: string; positions?: unknown[] } | undefined): void {
    const party = `${hello?.client} ${this.path}`;
    const isSame = this.party === party;
    if (isSame) {
      this.world.pass(this.world.waits[0]!);
    } else {
      this.client?.close();
      this.client = this.world.connect({}, this.path);
      this.client.listen((payload) => this.payloads.push(payload));
      ["articles", "echo"].forEach((stream) => this.client!.demultiplex(stream, (payload) => this.payloads.push(payload)));
    }
    this.party = party;
    this.world.socket.accept("runnel.v1");
    // A client of ours says nothing wrong, and shows no position of another one.
    this.isBroken = hello?.version !== 1;
    if (!this.isBroken) {
      const positions = isSame ? JSON.parse(known(JSON.stringify(hello!.positions ?? []))) : [];
      expect(this.world.hello).toEqual({ version: 1, client: "client-1", abilities: [], positions });
    }
  }

  private hears(message: { payload?: unknown; stream?: string }): void {
    if ("payload" in message) {
      this.expected.push(message.payload);
    }
    this.world.socket.deliverJson(message);
  }

  private closed(code: number): void {
    this.world.socket.end(code);
    const staysAway = code === 1008;
    expect(this.client!.state).toBe(staysAway ? "closed" : "reconnecting");
    if (this.isBroken) {
      this.world.pass(this.world.waits[0]!);
      expect(this.world.socket.protocols).toEqual([]);
      this.party = undefined;
    }
  }
}

// All positions of the vectors are of one group.
function known(json: string): string {
  return json.replace(/\$p(\w+)/g, "tag.$1").replace(/\$(\w+)/g, "$1");
}

test("The protocol has test vectors", () => {
  expect(vectors.length).toBeGreaterThanOrEqual(7);
});

test.each(vectors)("The client speaks as the protocol says: %s", (_, lines) => {
  const replay = new Replay();

  lines.forEach((line) => replay.play(line));

  replay.check();
  expect(replay.world.reported).toEqual([]);
});
