/** A golden fixture of packages/modernbert, or of another architecture, as what `modernbert forward` takes and should give. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSafetensors, writeSafetensors } from "@modernbert-ts/safetensors/node";
import type { TensorEntry } from "@modernbert-ts/safetensors";

const packages = fileURLToPath(new URL("../../../../packages/", import.meta.url));

export interface GoldenCase {
  readonly model: string;
  readonly input: string;
  /** Expected tensors by the names of the output file. */
  readonly expected: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;
}

/** Writes FOLDER/model and FOLDER/input.safetensors. `config` names the config file of the fixture, `owner` its package. */
export async function goldenCase(
  folder: string,
  fixture: string,
  config = "config.json",
  owner = "modernbert",
): Promise<GoldenCase> {
  const fixtures = join(packages, owner, "test/fixtures");
  await using golden = await openSafetensors(join(fixtures, fixture, "golden.safetensors"));
  const part = async (prefix: string): Promise<TensorEntry[]> =>
    Promise.all(
      golden
        .names()
        .filter((name) => name.startsWith(prefix))
        .map(async (name) => ({ ...(await golden.read(name)), name: name.slice(prefix.length) })),
    );
  const model = join(folder, "model");
  await mkdir(model, { recursive: true });
  await copyFile(join(fixtures, fixture, config), join(model, "config.json"));
  await writeSafetensors(join(model, "model.safetensors"), await part("param."));
  const input = join(folder, "input.safetensors");
  await writeSafetensors(input, await part("input."));

  const expected = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const name of golden.names()) {
    if (!/^(output|grad)\./.test(name) || name.includes("hidden_states.")) continue;
    const { shape } = golden.info(name);
    expected.set(name.replace(/^output\./, ""), { shape, values: await golden.readFloat32(name) });
  }
  return { model, input, expected };
}

/** Of all values as one vector. */
export function cosine(actual: Float32Array, expected: Float32Array): number {
  let [product, a, b] = [0, 0, 0];
  expected.forEach((value, at) => {
    product += actual[at]! * value;
    a += actual[at]! ** 2;
    b += value ** 2;
  });
  return product / Math.sqrt(a * b);
}
