/** Rotary position embedding of q and k by halves; v is copied. The backward pass turns the other way. */
import { at, loadPart, storePart } from "./vector";

const tokensPerTask: i32 = 16;

/** Task: 16 tokens of out, qkv [tokens, 3, heads, dim]; cos, sin [positions, dim / 2]; direction 1 or -1. */
export function rope(
  _scratch: usize,
  task: i32,
  out: usize,
  qkv: usize,
  cos: usize,
  sin: usize,
  positions: usize,
  tokens: i32,
  heads: i32,
  dim: i32,
  direction: f32,
): void {
  const half = dim / 2;
  const sign = f32x4.splat(direction);
  const end = min(tokens, (task + 1) * tokensPerTask);
  for (let token = task * tokensPerTask; token < end; token++) {
    const row = load<i32>(at(positions, token)) * half;
    const start = 3 * token * heads * dim;
    for (let head = 0; head < 2 * heads; head++) {
      const first = start + head * dim;
      const second = first + half;
      for (let i = 0; i < half; i += 4) {
        const n = half - i;
        const c = loadPart(at(cos, row + i), n);
        const s = f32x4.mul(loadPart(at(sin, row + i), n), sign);
        const a = loadPart(at(qkv, first + i), n);
        const b = loadPart(at(qkv, second + i), n);
        storePart(at(out, first + i), f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)), n);
        storePart(at(out, second + i), f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)), n);
      }
    }
    const values = start + 2 * heads * dim;
    memory.copy(at(out, values), at(qkv, values), at(0, heads * dim));
  }
}
