/** Ten steps of StableAdamW beside torch: the fixture of packages/training, fetched. */
import { readSafetensors } from "@modernbert-ts/safetensors";
import type { Backend } from "@modernbert-ts/tensor-core";
import { optimizerFailures as failuresOf } from "../../../../packages/training/test/support/optimizer-golden.ts";
import type { OptimizerGolden } from "../../../../packages/training/test/support/optimizer-golden.ts";

export async function optimizerFailures(backend: Backend, url: string): Promise<string[]> {
  const config = (await (await fetch(`${url}/config.json`)).json()) as OptimizerGolden;
  const golden = readSafetensors(await (await fetch(`${url}/golden.safetensors`)).arrayBuffer());
  return await failuresOf(backend, config, golden);
}
