// Bundles the browser part into builder/static/dist and writes manifest.json: entry name -> files to load.
import { build } from "esbuild";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static", "dist");

const SCRIPTS = ["app"];
const STYLES = ["app", "studio", "dashboard", "process", "views", "tasks", "exchange", "proof"];

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: [
    ...SCRIPTS.map((name) => ({ in: `src/${name}.ts`, out: name })),
    ...STYLES.map((name) => ({ in: `css/${name}.css`, out: `${name}-style` })),
  ],
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "asset-[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome109", "safari16", "firefox115"],
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  metafile: true,
  loader: { ".svg": "file", ".eot": "file", ".ttf": "file", ".woff": "file", ".woff2": "file" },
  logLevel: "warning",
});

const manifest = {};
for (const [file, meta] of Object.entries(result.metafile.outputs)) {
  if (!meta.entryPoint) continue;
  const name = basename(meta.entryPoint).replace(/\.(ts|css)$/, "");
  const entry = (manifest[name] ??= {});
  entry[meta.entryPoint.endsWith(".css") ? "css" : "js"] = basename(file);
  if (meta.entryPoint.endsWith(".ts")) {
    entry.preload = meta.imports
      .filter((item) => item.kind === "import-statement")
      .map((item) => basename(item.path));
  }
}
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
