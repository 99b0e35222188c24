/** The documents with results: tables between `<!-- NAME -->` and `<!-- /NAME -->` come from here, what stands around them from people. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const documents = { tokenizer: "packages/tokenizer/README.md" };

export function putIntoDocument(name, text) {
  const path = documents[name] ?? "docs/benchmarks.md";
  const document = new URL(`../../${path}`, import.meta.url);
  const before = readFileSync(document, "utf8");
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`].map((mark) => {
    const at = before.indexOf(mark);
    if (at < 0) throw new Error(`[bench] expected ${mark} in ${path}, found none: add it where the table belongs`);
    return at + (mark.startsWith("<!-- /") ? 0 : mark.length);
  });
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const stamp = `Measured ${new Date().toISOString().slice(0, 10)} at commit ${commit}.`;
  writeFileSync(document, `${before.slice(0, begin)}\n\n${stamp} ${text}\n\n${before.slice(end)}`);
}
