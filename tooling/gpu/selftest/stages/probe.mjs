/** Is the card what the emulator says it is? Device and libraries, each intrinsic against the emulator's answer, functions, ceilings. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { measureCeilings } from "../ceilings.mjs";
import { findLibraries } from "../libraries.mjs";
import { parseLines, probe } from "../probes.mjs";
import { Skip } from "../recorder.mjs";

export async function run(context) {
  const { record, backend, emulate, root } = context;
  await record.part("device", () => ({ device: backend.capabilities.device }));
  await record.part("libraries", findLibraries);

  const answers = parseLines(readFileSync(join(root, "probes/answers.jsonl"), "utf8"));
  const got = new Map(probe(root, emulate, ["check"]).map((line) => [line.name, line]));
  for (const answer of answers)
    await record.part(`intrinsic: ${answer.name}`, () => compare(answer, got.get(answer.name)));

  for (const line of probe(root, emulate, ["accuracy"])) {
    await record.part(`accuracy: ${line.name}`, () => {
      if (line.error) throw new Error(line.error);
      if (!(line.ulps <= line.limit))
        throw new Error(`expected at most ${line.limit} ulps, got ${line.ulps} at ${line.at}`);
      return { ulps: line.ulps, at: line.at };
    });
  }
  const ceiling = await measureCeilings(context);
  const intrinsics = record.parts.filter(({ name }) => name.startsWith("intrinsic"));
  const same = intrinsics.filter(({ failed, skipped }) => !failed && !skipped).length;
  return `${same} of ${intrinsics.length} intrinsics as in the emulator; copy ${show(ceiling.gigabytesPerSecond, "GB/s")}, product ${show(ceiling.teraflops, "TFLOP/s")}`;
}

function compare(answer, line) {
  if (!line) throw new Error("expected an answer, got none: a probe before it failed");
  if (line.error) throw new Error(line.error);
  const lacking = answer.lacking ?? line.lacking;
  if (lacking) throw new Skip(lacking);
  if (line.digest === answer.digest) return { same: true };
  const [wanted, found] = [answer.words, line.words].map((words) => words.trim().split(" "));
  const at = wanted.findIndex((word, index) => word !== found[index]);
  const where = at < 0 ? "after the first words" : `first at word ${at}: ${wanted[at]}, got ${found[at]}`;
  throw new Error(`other words than in the emulator, ${where}`);
}

const show = (value, unit) => (value === undefined ? "not measured" : `${value.toPrecision(4)} ${unit}`);
