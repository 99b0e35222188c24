/** What PEFT calls modules: linear layers of a model that may have an adapter, and parts of the head that are trained in full. */
import { tiesDecoder } from "@modernbert-ts/encoder";
import type { EncoderKind, Head, HeadConfig, ParameterRole } from "@modernbert-ts/encoder";

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

export function loraName(module: string, matrix: "A" | "B"): string {
  return `${module}.lora_${matrix}.weight`;
}
