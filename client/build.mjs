// Builds dist: client.js, its source map, and client.d.ts. The same sources give the same bytes in any folder, on any
// machine: dist is committed, and a check rebuilds it elsewhere (`npm run build -- --outdir=DIR`) and compares.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: "string" } } });
const dist = join(root, "dist");
const outdir = values.outdir === undefined ? dist : resolve(values.outdir);
const { name, version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const banner = `/*! ${name} ${version}, ${license} licence. Built from client/src by "npm run build"; do not edit. */`;

// Only our own folder is emptied: a file that is no longer built must not stay, but a given folder is the caller's.
if (values.outdir === undefined) {
  rmSync(outdir, { recursive: true, force: true });
}
mkdirSync(outdir, { recursive: true });

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["src/index.ts"],
  // The source map names the sources as seen from here, wherever the files are written.
  outfile: join(dist, "client.js"),
  write: false,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2020",
  charset: "utf8",
  sourcemap: "linked",
  banner: { js: banner },
  logLevel: "warning",
});
for (const { path, contents } of outputFiles) {
  writeFileSync(join(outdir, path.slice(dist.length)), contents);
}
writeFileSync(join(outdir, "client.d.ts"), `${banner}\n${declarations()}`);

// One file, beside the script that it describes: all that index.ts exports. Its modules hold nothing else.
function declarations() {
  const folder = mkdtempSync(join(tmpdir(), "runnel-client-"));
  try {
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    execFileSync(process.execPath, [tsc, "--project", join(root, "tsconfig.build.json"), "--outDir", folder], { stdio: "inherit" });
    const read = (module) => readFileSync(join(folder, module.replace(/\.js$/, ".d.ts")), "utf8");
    const modules = [...read("index.js").matchAll(/^export (?:type )?\{(.*)\} from "(.*)";$/gm)];
    return modules.map(([, names, module]) => withoutImports(module, names, read(module))).join("");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function withoutImports(module, names, text) {
  const exported = [...text.matchAll(/^export (?:declare )?(?:class|function|interface|type) (\w+)/gm)].map(([, name]) => name);
  const wanted = names.split(",").map((name) => name.replace("type ", "").trim());
  if (exported.sort().join() !== wanted.sort().join()) {
    throw new Error(`src/index.ts exports ${wanted} of ${module}, which holds ${exported}: they have to be the same.`);
  }
  return text.replace(/^import .*\n/gm, "");
}
