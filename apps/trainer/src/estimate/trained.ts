/** What of a model a run trains: all of it, all but what is frozen, or adapters and the head; and what that takes beside the model. */
import { tiesDecoder } from "@modernbert-ts/encoder";
import type { EncoderKind, HeadConfig } from "@modernbert-ts/encoder";
import { isMuonMatrix, loraShapes, matchesName } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { Shape } from "@modernbert-ts/tensor-core";
import type { TrainerConfig } from "../config/config.ts";
import { checkLora } from "../run/lora.ts";
import { checkParameterNames } from "../run/parameter-names.ts";

export interface Trained {
  /** Values of the model, adapters apart. */
  readonly all: number;
  /** Values of adapters; 0 without LoRA. */
  readonly adapters: number;
  /** Values that are trained. */
  readonly trained: number;
  /** Values of matrices whose gradient backward does not make: two operations less for each, and each token that meets it. */
  readonly still: { readonly encoder: number; readonly head: number };
  /** Bytes of the optimizer's state, the moving average included. */
  readonly optimizer: number;
  /** Bytes of the tensors of a checkpoint. */
  readonly checkpoint: number;
}

type Shapes = ReadonlyMap<string, Shape>;

/** @throws UsageError, DataError as the run would, for names that no parameter has and for adapters that cannot be. */
export function trainedOf(
  config: TrainerConfig,
  { kind, config: model }: { readonly kind: EncoderKind; readonly config: HeadConfig },
  { head }: Pick<Objective, "head">,
): Trained {
  checkLora(config);
  const specs = kind.parameters(model, head);
  const whole = new Map([...specs].map(([name, { shape }]) => [name, shape]));
  const { rank, targets } = config.lora;
  const lora = rank === undefined ? undefined : loraShapes({ kind, config: model, head }, { rank, targets });
  const learnable: Shapes = lora ? new Map([...lora.adapters, ...lora.head]) : whole;
  checkParameterNames(config, [...learnable.keys()]);
  const frozen = (name: string): boolean => config.model.freeze.some((pattern) => matchesName(pattern, name));
  const learned = new Map([...learnable].filter(([name]) => !frozen(name)));
  const { kind: optimizerKind, ema_decay: average } = config.optimizer;
  const stateOf = (name: string, shape: Shape): number =>
    4 * ((optimizerKind === "muon" && isMuonMatrix(name, shape) ? 1 : 2) + (average === undefined ? 0 : 1));
  const optimizer = [...learned].reduce((sum, [name, shape]) => sum + stateOf(name, shape) * sizeOf(shape), 0);
  const matrices = [...whole].filter(([name, { length }]) => length > 1 && !learned.has(name));
  const { embedding } = kind.names(head);
  const tied = tiesDecoder(model, head);
  const still = (ofHead: boolean): number =>
    count(
      new Map(matrices.filter(([name]) => (name === embedding ? ofHead && tied : specs.get(name)!.head === ofHead))),
    );
  return {
    all: count(whole),
    adapters: lora ? count(lora.adapters) : 0,
    trained: count(learned),
    still: { encoder: still(false), head: still(true) },
    optimizer,
    checkpoint: 4 * count(learnable) + optimizer,
  };
}

function count(shapes: Shapes): number {
  return [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
}
