/** Problems for `varlenAttention`: ragged sequences around the window, empty ones, one token, large logits, odd head sizes. */
import { varlenAttention } from "@modernbert-ts/tensor-core";
import { given, normal, normalAround } from "../problem.ts";
import type { Input } from "../problem.ts";
import { table } from "./problems.ts";
import type { CompositeProblem } from "./problems.ts";

interface Shape {
  readonly lengths: readonly number[];
  readonly window: number | null;
  readonly heads: number;
  readonly width: number;
  /** The hint may be larger than the longest sequence. */
  readonly maxSeqlen?: number;
  readonly mayRefuse?: true;
  readonly differences?: true;
  readonly halves?: true;
}

const shapes: readonly Shape[] = [
  { lengths: [1], window: null, heads: 1, width: 64 },
  { lengths: [1, 1, 1], window: 64, heads: 2, width: 64 },
  { lengths: [5, 3, 8], window: null, heads: 2, width: 4, mayRefuse: true, differences: true },
  { lengths: [5, 0, 7], window: 2, heads: 2, width: 4, mayRefuse: true, differences: true },
  { lengths: [4, 9], window: 0, heads: 1, width: 64 },
  { lengths: [17, 1, 33, 16], window: null, heads: 3, width: 64, halves: true },
  { lengths: [17, 1, 33, 16], window: 8, heads: 3, width: 64, halves: true },
  { lengths: [15, 16, 17, 18], window: 16, heads: 1, width: 32 },
  { lengths: [64, 65, 66, 1, 130], window: 64, heads: 1, width: 64 },
  { lengths: [63, 129, 31], window: null, heads: 1, width: 64 },
  { lengths: [200], window: 64, heads: 1, width: 64 },
  { lengths: [300], window: 7, heads: 1, width: 16 },
  { lengths: [0, 6, 0, 0, 9, 0], window: 3, heads: 2, width: 64 },
  { lengths: [20, 7], window: 100, heads: 1, width: 64 },
  { lengths: [9, 6], window: 1_000_000_000, heads: 1, width: 64 },
  { lengths: [12, 5], window: null, heads: 2, width: 64, maxSeqlen: 64 },
  { lengths: [9, 6], window: 2, heads: 2, width: 7, mayRefuse: true },
  { lengths: [9, 6], window: null, heads: 1, width: 128, mayRefuse: true },
  { lengths: [0], window: null, heads: 2, width: 64 },
];

function cuSeqlens(lengths: readonly number[]): Input {
  let total = 0;
  const ends = lengths.map((length) => (total += length));
  return given("i32", [lengths.length + 1], [0, ...ends]);
}

function attention(shape: Shape, name: string, qkv: Input): CompositeProblem {
  const { lengths, window, width, maxSeqlen = Math.max(...lengths) } = shape;
  return {
    composite: "varlenAttention",
    name,
    inputs: [qkv, cuSeqlens(lengths)],
    run: ([packed, ends]) => [varlenAttention(packed!, ends!, { scale: 1 / Math.sqrt(width), window, maxSeqlen })],
    seeded: [0],
    wanted: [0],
    ...(shape.mayRefuse ? { mayRefuse: true } : {}),
    ...(shape.differences ? { differences: true } : {}),
    ...(shape.halves ? { halves: true } : {}),
  };
}

/** Turned, with fewer keys, dropped: whatever a kernel does not do runs from parts or primitives. */
function extendedProblems(): CompositeProblem[] {
  const lengths = [5, 0, 7, 1];
  const [tokens, heads, width, maxSeqlen] = [13, 2, 8, 7];
  const qkv = normal(tokens, 3, heads, width);
  const ends = cuSeqlens(lengths);
  const positions = given(
    "i32",
    [tokens],
    lengths.flatMap((length) => Array.from({ length }, (_, at) => at)),
  );
  const keyCounts = given("i32", [lengths.length], [3, 0, 0, 1]);
  const [cos, sin] = [Math.cos, Math.sin].map((of) => table(of, maxSeqlen, width / 2)) as [Input, Input];
  const dropout = { rate: 0.3, draw: { seed: 5, stream: 6, step: 7 } };
  const base = { composite: "varlenAttention", seeded: [0], wanted: [0], mayRefuse: true } as const;
  return [null, 2].flatMap((window): CompositeProblem[] => {
    const kind = window === null ? "global" : `window ${window}`;
    const options = { scale: 0.4, window, maxSeqlen };
    return [
      {
        ...base,
        name: `turned inside, ${kind}`,
        inputs: [qkv, ends, cos, sin, positions],
        run: ([packed, cu, c, s, p]) => [
          varlenAttention(packed!, cu!, { ...options, rope: { cos: c!, sin: s!, positions: p! } }),
        ],
        differences: true,
      },
      {
        ...base,
        name: `fewer keys than queries, ${kind}`,
        inputs: [qkv, ends, keyCounts],
        run: ([packed, cu, counts]) => [varlenAttention(packed!, cu!, { ...options, keyCounts: counts! })],
        differences: true,
      },
      {
        ...base,
        name: `dropped probabilities, ${kind}`,
        inputs: [qkv, ends],
        run: ([packed, cu]) => [varlenAttention(packed!, cu!, { ...options, dropout })],
        differences: true,
        halves: true,
      },
      {
        ...base,
        name: `turned, fewer keys, dropped with the step on the device, ${kind}`,
        inputs: [qkv, ends, cos, sin, positions, keyCounts, given("u32", [2], [7, 0])],
        run: ([packed, cu, c, s, p, counts, step]) => [
          varlenAttention(packed!, cu!, {
            ...options,
            rope: { cos: c!, sin: s!, positions: p! },
            keyCounts: counts!,
            dropout: { rate: 0.3, draw: { seed: 5, stream: 6, step: step! } },
          }),
        ],
      },
    ];
  });
}

/** Dropped over several blocks of queries and keys; the numbers of a query's keys begin at multiples of four, and elsewhere. */
function droppedProblems(): CompositeProblem[] {
  const lengths = [300, 20, 129];
  return [
    { window: null, maxSeqlen: 300 },
    { window: 64, maxSeqlen: 301 },
    { window: 7, maxSeqlen: 303 },
  ].map((options) => ({
    composite: "varlenAttention",
    name: `dropped, ${options.maxSeqlen} numbers a query, ${options.window === null ? "global" : `window ${options.window}`}`,
    inputs: [normal(449, 3, 2, 32), cuSeqlens(lengths)],
    run: ([packed, ends]) => [
      varlenAttention(packed!, ends!, {
        ...options,
        scale: 0.2,
        dropout: { rate: 0.3, draw: { seed: 5, stream: 6, step: 2 ** 40 } },
      }),
    ],
    seeded: [0],
    wanted: [0],
    mayRefuse: true,
  }));
}

export function attentionProblems(): CompositeProblem[] {
  const plain = shapes.map((shape) => {
    const { lengths, window, heads, width } = shape;
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const kind = window === null ? "global" : `window ${window}`;
    const name = `lengths ${lengths.join(" ")}, ${kind}, ${heads} heads of ${width}${shape.maxSeqlen ? ", generous maxSeqlen" : ""}`;
    return attention(shape, name, normal(tokens, 3, heads, width));
  });
  const peaked: Shape = { lengths: [40, 23], window: 8, heads: 2, width: 64 };
  return [
    ...plain,
    ...extendedProblems(),
    ...droppedProblems(),
    { ...attention(peaked, "large logits, local", normalAround(0, 6, 63, 3, 2, 64)), looseness: 20 },
    {
      ...attention({ ...peaked, window: null }, "large logits, global", normalAround(0, 6, 63, 3, 2, 64)),
      looseness: 20,
    },
    {
      ...attention(peaked, "logits of thousands", normalAround(0, 40, 63, 3, 2, 64)),
      looseness: 200,
      wanted: [],
      seeded: [],
    },
  ];
}
