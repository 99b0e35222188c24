/** What a Node-API addon is built against: the declarations of Node's functions and, on Windows, their import library. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Node-API's declarations go into the package, for those who build it where it is installed (without devDependencies). */
export function copyNodeHeaders(generated) {
  const folder = join(generated, "node_api");
  let headers;
  try {
    headers = createRequire(import.meta.url)("node-api-headers");
  } catch (cause) {
    if (existsSync(folder)) return;
    throw new Error("expected the package node-api-headers, found none: npm install", { cause });
  }
  mkdirSync(folder, { recursive: true });
  for (const name of [
    "LICENSE",
    "node_api.h",
    "node_api_types.h",
    "js_native_api.h",
    "js_native_api_types.h",
    "node_api.def",
    "js_native_api.def",
  ]) {
    const text = readFileSync(
      join(dirname(headers.include_dir), { ".h": "include", ".def": "def" }[extname(name)] ?? "", name),
    );
    const path = join(folder, name);
    if (!existsSync(path) || !readFileSync(path).equals(text)) writeFileSync(path, text);
  }
}

/** Windows: the import library of Node's functions, made from the list of their names. */
export async function nodeImports(generated, out) {
  const names = ["js_native_api.def", "node_api.def"]
    .flatMap((name) => readFileSync(join(generated, "node_api", name), "utf8").split(/\r?\n/))
    .filter((line) => /^\s*napi_\w+\s*$/.test(line));
  const definitions = join(out, "node.def");
  writeFileSync(definitions, `NAME NODE.EXE\nEXPORTS\n${names.join("\n")}\n`);
  const library = join(out, "libnode.a");
  const dlltool = process.env.DLLTOOL ?? "dlltool";
  await run(dlltool, ["-d", definitions, "-l", library]).catch((cause) => {
    throw new Error(`expected a working ${dlltool} (DLLTOOL names another): ${cause.stderr || cause.message}`, {
      cause,
    });
  });
  return library;
}
