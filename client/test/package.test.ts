import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Server } from "./server.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const run = promisify(execFile);

let project: string;
let packed: { filename: string; files: { path: string }[] };

// A project that has nothing but the package, as `npm pack` makes it.
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "runnel-package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: root });
  packed = Object.values(JSON.parse(stdout))[0] as typeof packed;
  await writeFile(join(project, "package.json"), '{ "name": "fresh", "private": true, "type": "module" }');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${packed.filename}`], { cwd: project });
});

afterAll(() => rm(project, { recursive: true, force: true }));

test("The package has the module, its types and its source map, and says what it is and what one may do with it", () => {
  expect(packed.files.map(({ path }) => path).sort()).toEqual([
    "LICENSE", "README.md", "dist/client.d.ts", "dist/client.js", "dist/client.js.map", "package.json",
  ]);
  expect(readFileSync(join(root, "LICENSE"), "utf8")).toBe(readFileSync(join(root, "../LICENSE"), "utf8"));
});

test("The README says how large the module is", async () => {
  const module = await readFile(join(project, "node_modules/@runnel/client/dist/client.js"));
  const [, plain, zipped] = /The module is ([\d.]+) kB, and ([\d.]+) kB with gzip/.exec(readFileSync(join(root, "README.md"), "utf8"))!;

  // Another version of zlib may need some bytes more or less.
  expect(Math.abs(module.length / 1000 - Number(plain))).toBeLessThan(0.1);
  expect(Math.abs(gzipSync(module).length / 1000 - Number(zipped))).toBeLessThan(0.15);
});

test("The source map leads to the sources, and holds them", async () => {
  const dist = join(project, "node_modules/@runnel/client/dist");
  const module = await readFile(join(dist, "client.js"), "utf8");
  const map = JSON.parse(await readFile(join(dist, "client.js.map"), "utf8"));

  expect(module).toMatch(/\n\/\/# sourceMappingURL=client\.js\.map\n$/);
  expect(map.sources).toContain("../src/client.ts");
  expect(map.sourcesContent[map.sources.indexOf("../src/client.ts")]).toBe(readFileSync(join(root, "src/client.ts"), "utf8"));
});

test("Node imports the package and talks to a server", async () => {
  await using server = await Server.start("runnel.v1");
  await writeFile(join(project, "main.js"), `
    import { connect } from "@runnel/client";
    import { WebSocket } from ${JSON.stringify(require.resolve("ws").replace(/index\.js$/, "wrapper.mjs"))};

    const client = connect(async () => process.argv[2], { webSocket: WebSocket });
    client.listen((message) => {
      console.log(JSON.stringify(message));
      client.close();
    });
    client.send({ from: "Node" });
  `);

  const program = run("node", ["main.js", server.url], { cwd: project, timeout: 30_000 });
  const peer = await server.accept();
  await peer.receive();
  peer.send({ hello: { version: 1, abilities: [] } });
  const message = await peer.receive();
  peer.send({ payload: "Hello, Node." });
  const { stdout, stderr } = await program;

  expect(message).toEqual({ payload: { from: "Node" } });
  expect([stdout, stderr]).toEqual(['"Hello, Node."\n', ""]);
});

const usage = `
  import { Client, connect, type Address, type ClientEvents, type ConnectOptions, type Drop, type Environment, type Joined, type MalformedFrame,
    type Outcome, type State, type StateChange, type Stream, type StreamClose, type StreamError, type WebSocketLike } from "@runnel/client";
  declare const Own: new (url: string, protocols: string[]) => WebSocketLike;
  const options: ConnectOptions = { protocols: ["runnel.v1"], webSocket: Own };
  const address: Address = async () => "wss://example.test/ws";
  const client: Client = connect(address, options);
  const outcome: Promise<Outcome> = new Promise((resolve) => client.on("joined", (joined: Joined) => resolve(joined.outcome)));
  const end: () => void = client.on("state", ({ state, recovered }: StateChange) => void (state satisfies State, recovered satisfies boolean | undefined));
  const stream: Stream = client.stream("articles");
  client.demultiplex<{ id: number }>("articles", ({ id }) => id.toFixed());
  // @ts-expect-error There is no such event.
  client.on("nothing", () => {});
  export type All = [ClientEvents, Drop, Environment, MalformedFrame, StreamClose, StreamError, typeof outcome, typeof end, typeof stream];
`;

test.each([
  ["Node's way, without the types of a browser", "nodenext", ["es2020"], ""],
  ["a bundler's way, with the browser's WebSocket", "bundler", ["es2020", "dom"], "connect(undefined, { webSocket: WebSocket });"],
])("The types fit when the package is imported in %s", async (_, resolution, lib, more) => {
  const folder = join(project, resolution);
  await mkdir(folder);
  await writeFile(join(folder, "usage.ts"), usage + more);
  const compilerOptions = {
    strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false, target: "es2020", lib, types: [],
    module: resolution === "bundler" ? "esnext" : resolution, moduleResolution: resolution,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["usage.ts"] }));

  const check = run("node", [require.resolve("typescript/package.json").replace(/package\.json$/, "bin/tsc"), "-p", folder]);

  await expect(check).resolves.toMatchObject({ stdout: "" });
});
