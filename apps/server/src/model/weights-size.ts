/** How much memory a model's weights will take, from the headers of its files. */
import { openSafetensors } from "@modernbert-ts/safetensors/node";

/** Bytes at four for each parameter: an upper bound, whatever `--weights` and `--dtype` make of them. @throws SafetensorsError */
export async function weightsSize(folder: string): Promise<number> {
  await using reader = await openSafetensors(folder);
  return reader
    .names()
    .reduce((sum, name) => sum + 4 * reader.info(name).shape.reduce((product, size) => product * size, 1), 0);
}
