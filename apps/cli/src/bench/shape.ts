/** The shapes that `modernbert bench --shape` names. */
import { InvalidArgumentError } from "commander";
import { createConfig, presets } from "@modernbert-ts/modernbert";
import type { ModernBertConfig } from "@modernbert-ts/modernbert";

/** layers x hidden x heads x intermediate */
export interface Shape {
  readonly name: string;
  readonly config: ModernBertConfig;
}

/** @throws InvalidArgumentError (wrong usage) when the text is neither a preset nor four numbers that make a model. */
export function parseShape(name: string): Shape {
  if (Object.hasOwn(presets, name)) return { name, config: presets[name as keyof typeof presets] };
  const numbers = name.split("x").map(Number);
  if (!/^\d+(x\d+){3}$/.test(name)) {
    throw new InvalidArgumentError(
      `expected ${Object.keys(presets).join(", ")} or LAYERSxHIDDENxHEADSxINTERMEDIATE such as 7x256x4x384.`,
    );
  }
  const [num_hidden_layers, hidden_size, num_attention_heads, intermediate_size] = numbers;
  try {
    return { name, config: createConfig({ num_hidden_layers, hidden_size, num_attention_heads, intermediate_size }) };
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
