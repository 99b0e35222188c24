/** The figures that are asked for: `of` finds what was measured in a stage's parts, `goal` is the least, or the most where `most` says so. */

const part = (stage, name, key) => (results) => results.get(stage)?.parts.find((each) => each.name === name)?.[key];

/** A value over another one, where both were measured. */
const over = (a, b) => (results) => {
  const [upper, lower] = [a(results), b(results)];
  return upper === undefined || lower === undefined ? undefined : upper / lower;
};

const sum = (a, b) => (results) => {
  const [first, second] = [a(results), b(results)];
  return first === undefined || second === undefined ? undefined : first + second;
};

const milliseconds = (name) => part("kernels", name, "forward milliseconds");
const forward = (name) => part("kernels", `attention ${name}`, "forward teraflops");
const backward = (name) => part("kernels", `attention ${name}`, "backward teraflops");
const training = (name) => part("training", name, "tokensPerSecond");
const inference = (name, key = "tokensPerSecond") => part("inference", name, key);
const peer = (name, key = "bestRatio") => part("peers", name, key);
/** Of the peers' memory, the smaller. */
const theirMemory = (name) => (results) => {
  const found = ["eager", "compiled"].map((mode) => peer(name, mode)(results)?.gigabytes).filter(Number.isFinite);
  return found.length > 0 ? Math.min(...found) : undefined;
};

const [paper1k, paper4k] = ["1k, global, 32 heads", "4k, global, 32 heads"];
const teraflops = { unit: "TFLOP/s", card: "H100" };
const tokens = { unit: "tok/s", card: "H100" };
const ratio = { unit: "×" };

export const goals = [
  { phase: 2, what: "attention forward, 1k: 85 % of FlashAttention 2", goal: 260, of: forward(paper1k), ...teraflops },
  { phase: 2, what: "attention forward, 4k: 85 % of FlashAttention 2", goal: 273, of: forward(paper4k), ...teraflops },
  {
    phase: 2,
    what: "attention backward, 1k: 85 % of FlashAttention 2",
    goal: 202,
    of: backward(paper1k),
    ...teraflops,
  },
  {
    phase: 2,
    what: "attention backward, 4k: 85 % of FlashAttention 2",
    goal: 237,
    of: backward(paper4k),
    ...teraflops,
  },
  {
    phase: 2,
    what: "local attention: time over that of its bytes",
    goal: 1.3,
    most: true,
    ...ratio,
    of: over(() => 1, part("kernels", "attention 1k, local, 12 heads", "forward ofCopy")),
  },
  { phase: 2, what: "8 texts ≤ 128: torch's sdpa over ours", goal: 1.5, of: sdpa("attention 128, 8 texts"), ...ratio },
  {
    phase: 3,
    what: "training base 1024, f32 residual",
    goal: 400e3,
    of: training("base 1024, f32 residual"),
    ...tokens,
  },
  {
    phase: 3,
    what: "training base 1024, bf16 residual",
    goal: 430e3,
    of: training("base 1024, bf16 residual"),
    ...tokens,
  },
  { phase: 3, what: "inference base 512", goal: 1.5e6, of: inference("base 512"), ...tokens },
  {
    phase: 3,
    what: "8 queries of 128 tokens, captured",
    goal: 0.6,
    most: true,
    unit: "ms",
    card: "H100",
    of: inference("base, 8 queries of 128, captured", "milliseconds"),
  },
  { phase: 3, what: "training: transformers over ours", goal: 1.3, of: peer("training 1024"), ...ratio },
  { phase: 3, what: "inference, mixed lengths: transformers over ours", goal: 2, of: peer("mixed lengths"), ...ratio },
  {
    phase: 3,
    what: "peak memory of training, ours over theirs",
    goal: 1,
    most: true,
    ...ratio,
    of: over(peer("training 1024", "oursGigabytes"), theirMemory("training 1024")),
  },
  { phase: 4, what: "attention forward, 1k: 80 % of FlashAttention 3", goal: 314, of: forward(paper1k), ...teraflops },
  { phase: 4, what: "attention forward, 4k: 80 % of FlashAttention 3", goal: 381, of: forward(paper4k), ...teraflops },
  {
    phase: 4,
    what: "attention backward, 1k: 80 % of FlashAttention 3",
    goal: 290,
    of: backward(paper1k),
    ...teraflops,
  },
  {
    phase: 4,
    what: "attention backward, 4k: 80 % of FlashAttention 3",
    goal: 362,
    of: backward(paper4k),
    ...teraflops,
  },
  {
    phase: 4,
    what: "MLP forward over its two products alone",
    goal: 1.05,
    most: true,
    ...ratio,
    of: over(
      milliseconds("MLP"),
      sum(milliseconds("product Wi, forward"), milliseconds("product Wo of the MLP, forward")),
    ),
  },
  { phase: 4, what: "training base 1024", goal: 480e3, of: training("base 1024, bf16 residual"), ...tokens },
  {
    phase: 4,
    what: "training base 1024",
    goal: 520e3,
    of: training("base 1024, bf16 residual"),
    ...tokens,
    card: "H200",
  },
  { phase: 4, what: "training large 1024", goal: 180e3, of: training("large 1024, bf16 residual"), ...tokens },
  { phase: 4, what: "training base 8192", goal: 260e3, of: training("base 8192, bf16 residual"), ...tokens },
  { phase: 4, what: "inference base 512", goal: 1.8e6, of: inference("base 512"), ...tokens },
  { phase: 4, what: "inference base 8192", goal: 1.0e6, of: inference("base 8192"), ...tokens },
];

function sdpa(name) {
  return (results) => peer(name, "ratios")(results)?.sdpa;
}
