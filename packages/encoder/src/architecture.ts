/** An architecture as the loaders take it: what it says of its models, and how one is made. */
import type { Precision, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { Encoder } from "./encoder.ts";
import type { HeadConfig } from "./config/head-config.ts";
import type { Head } from "./info.ts";
import type { EncoderKind } from "./kind.ts";
import type { QuantizedMatrix } from "./weights/formats.ts";

export interface CreateOptions<C extends HeadConfig> {
  readonly runtime: Runtime;
  readonly config: C;
  readonly head: Head;
  /** As `EncoderKind.parameters` names and shapes them. The model owns them from now on. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Linear layers with weights of 8 or 4 bits, in place of the parameters of these names; for inference only. Owned like the parameters. */
  readonly quantized?: ReadonlyMap<string, QuantizedMatrix>;
  /** By default everything in the dtype of the parameters, which is then f32 or f64. */
  readonly precision?: Precision;
}

export interface Architecture<C extends HeadConfig = HeadConfig, E extends Encoder<C> = Encoder<C>> {
  readonly kind: EncoderKind<C>;
  create(options: CreateOptions<C>): E;
}
