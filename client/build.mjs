// Builds dist/client.js and its declarations. The same sources give the same bytes in any folder, on any machine:
// dist is committed, and a check rebuilds it elsewhere (`npm run build -- --outdir=DIR`) and compares.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: "string" } } });
const outdir = values.outdir === undefined ? join(root, "dist") : resolve(values.outdir);
const { name, version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

// Only our own folder is emptied: a declaration of a module that is gone must not stay, but a given folder is the caller's.
if (values.outdir === undefined) {
  rmSync(outdir, { recursive: true, force: true });
}

await build({
  absWorkingDir: root,
  entryPoints: ["src/index.ts"],
  outfile: join(outdir, "client.js"),
  bundle: true,
  format: "esm",
  target: "es2020",
  charset: "utf8",
  sourcemap: false,
  banner: { js: `/*! ${name} ${version}, ${license} licence. Built from client/src by "npm run build"; do not edit. */` },
  logLevel: "warning",
});

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
execFileSync(process.execPath, [tsc, "--project", join(root, "tsconfig.build.json"), "--outDir", outdir], { stdio: "inherit" });
