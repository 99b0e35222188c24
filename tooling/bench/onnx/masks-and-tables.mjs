/** Masks and rotary tables made in the graph from attention_mask, as an exporter of transformers' model has them. */

const FLOAT = 1;

/** @returns masks that are added to scores, and cos and sin [1, 1, S, D], by layer kind */
export function masksAndTables(g, ids, { rope, window }, width) {
  const attention = g.node("Cast", [g.input("attention_mask", "int64", ["B", "S"])], { to: FLOAT });
  const [never, one] = [g.constant(-1e9), g.constant(1)];
  const length = g.node("Gather", [g.node("Shape", [ids]), g.constant([1])], { axis: 0 });
  const scalar = (list) => g.node("Squeeze", [list, g.constant([0])]);
  const places = g.node("Range", [scalar(g.constant([0])), scalar(length), scalar(g.constant([1]))]);
  const positions = g.node("Cast", [places], { to: FLOAT });
  const [first, second] = [g.constant([0]), g.constant([1])];
  const [row, column] = [g.node("Unsqueeze", [positions, first]), g.node("Unsqueeze", [positions, second])];

  const padding = g.node("Mul", [g.node("Sub", [one, attention]), never]);
  const global = g.node("Unsqueeze", [padding, g.constant([1, 2])]);
  const distance = g.node("Abs", [g.node("Sub", [row, column])]);
  const outside = g.node("Cast", [g.node("Greater", [distance, g.constant(window + 0.5)])], { to: FLOAT });
  const local = g.node("Add", [global, g.node("Mul", [outside, never])]);

  const tables = (theta) => {
    const inverse = Float32Array.from({ length: width / 2 }, (_, j) => theta ** ((-2 * j) / width));
    const angles = g.node("Mul", [column, g.weight(`inverse_frequencies_${theta}`, [1, width / 2], inverse)]);
    const whole = g.node("Unsqueeze", [g.node("Concat", [angles, angles], { axis: 1 }), g.constant([0, 1])]);
    return [g.node("Cos", [whole]), g.node("Sin", [whole])];
  };
  return {
    masks: { global, local },
    tables: { global: tables(rope.global.theta), local: tables(rope.local.theta) },
  };
}
