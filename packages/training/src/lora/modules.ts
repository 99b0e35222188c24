/** What PEFT calls modules: linear layers of a model that may have an adapter, and parts of the head that are trained in full. */
import { tiesDecoder } from "@modernbert-ts/encoder";
import type { EncoderKind, Head, HeadConfig, ParameterRole } from "@modernbert-ts/encoder";
import type { Shape } from "@modernbert-ts/tensor-core";
import { DataError } from "../errors.ts";
import { matchesName } from "../optimizer/name-pattern.ts";

/** A model, or what is known of one without its weights. */
export interface Described<C extends HeadConfig> {
  readonly kind: EncoderKind<C>;
  readonly config: C;
  readonly head: Head;
}

export interface LinearModule {
  /** Without `.weight`. */
  readonly name: string;
  readonly shape: readonly [outputs: number, inputs: number];
  /** Whether it belongs to the head. */
  readonly head: boolean;
}

const linearRoles: readonly ParameterRole[] = [
  "input-projection",
  "output-projection",
  "transform",
  "decoder",
  "classifier",
];
const ending = ".weight";

/** All linear layers; a decoder that is tied to the embedding is none. */
export function modulesOf<C extends HeadConfig>({
  kind,
  config,
  head: ofModel,
}: Described<C>): readonly LinearModule[] {
  return [...kind.parameters(config, ofModel)].flatMap(([name, { role, shape, head }]) =>
    linearRoles.includes(role) && name.endsWith(ending)
      ? [{ name: name.slice(0, -ending.length), shape: shape as readonly [number, number], head }]
      : [],
  );
}

/** Parameters of the head that are trained beside adapters: all but those of a decoder that is tied to the embedding, which stays. */
export function trainedOfHead<C extends HeadConfig>({ kind, config, head }: Described<C>): ReadonlySet<string> {
  const tied = tiesDecoder(config, head);
  return new Set(
    [...kind.parameters(config, head)].flatMap(([name, spec]) =>
      spec.head && !(tied && name === kind.names(head).decoderBias) ? [name] : [],
    ),
  );
}

/**
 * The layers of the encoder that get an adapter. @throws DataError `invalid` for a target that names none, or a rank that is not narrow.
 */
export function targetedModules<C extends HeadConfig>(
  model: Described<C>,
  { targets, rank }: { readonly targets: readonly string[]; readonly rank: number },
): readonly LinearModule[] {
  const known = modulesOf(model).filter(({ head }) => !head);
  const stray = targets.find((target) => !known.some(({ name }) => matchesName(target, name)));
  if (stray !== undefined || targets.length === 0) {
    const layers = [...new Set(known.map(({ name }) => name.split(".").at(-1)))].join(", ");
    const got = stray === undefined ? "no target" : `"${stray}", which none has`;
    throw new DataError(
      "invalid",
      "lora",
      `expected targets that are parts of names of linear layers (${layers}), got ${got}`,
    );
  }
  const chosen = known.filter(({ name }) => targets.some((target) => matchesName(target, name)));
  const narrow = Math.min(...chosen.map(({ shape }) => Math.min(...shape)));
  if (rank > narrow)
    throw new DataError("invalid", "lora", `expected a rank of at most ${narrow}, the narrowest layer, got ${rank}`);
  return chosen;
}

/** Shapes of all that a run with LoRA trains, by name: adapters and the head. @throws as `targetedModules`. */
export function loraShapes<C extends HeadConfig>(
  model: Described<C>,
  options: { readonly targets: readonly string[]; readonly rank: number },
): { readonly adapters: ReadonlyMap<string, Shape>; readonly head: ReadonlyMap<string, Shape> } {
  const { rank } = options;
  const adapters = targetedModules(model, options).flatMap(({ name, shape: [outputs, inputs] }) => [
    [loraName(name, "A"), [rank, inputs]] as const,
    [loraName(name, "B"), [outputs, rank]] as const,
  ]);
  const specs = model.kind.parameters(model.config, model.head);
  const head = [...trainedOfHead(model)].map((name) => [name, specs.get(name)!.shape] as const);
  return { adapters: new Map<string, Shape>(adapters), head: new Map(head) };
}

export function loraName(module: string, matrix: "A" | "B"): string {
  return `${module}.lora_${matrix}.weight`;
}
