/** What a trainer reports: to its observer as it happens, and to the metrics file as JSON lines. All plain data. */

/** One step, known when its numbers came back from the device. */
export interface StepEvent {
  readonly kind: "step";
  /** 1-based. */
  readonly step: number;
  /** Tokens seen by the model so far, of all steps. */
  readonly tokens: number;
  /** Mean loss of what the step scored. */
  readonly loss: number;
  /** By the names of the objective's metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly gradientNorm: number;
  /** Whether the step changed no parameter; absent in files of earlier releases. */
  readonly skipped?: boolean;
  readonly lossScale: number;
  /** 0..1, see `Batch`. */
  readonly packingEfficiency: number;
  /** Of a mixture: tokens of this step by source. */
  readonly sourceTokens?: Readonly<Record<string, number>>;
  /** Seconds that this step waited for its batch. */
  readonly loaderWait?: number;
  /** How much the step scored, on all ranks; absent in files of earlier releases. */
  readonly weight?: number;
  /** Of this step, where it is short together with those just before it, see `Throughput`. */
  readonly tokensPerSecond: number;
  /** Time spent in training so far, evaluations and checkpoints included, stops between runs not. */
  readonly seconds: number;
}

export interface EvaluationEvent {
  readonly kind: "evaluation";
  readonly step: number;
  readonly tokens: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** How much was scored. */
  readonly weight: number;
  /** Loss by the name of a source, where it is known which text is of which. */
  readonly sources?: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface CheckpointEvent {
  readonly kind: "checkpoint";
  readonly step: number;
  readonly tokens: number;
  readonly path: string;
  /** When it was taken: it is told once it is on disk, some steps later. */
  readonly seconds: number;
}

export type TrainingEvent = StepEvent | EvaluationEvent | CheckpointEvent;

/** Gets every event in order. Throwing stops the training. */
export type TrainingObserver = (event: TrainingEvent) => void;
