/**
 * StableAdamW in two passes: the first sums g² / max(v, eps²), the second, which needs the sum, updates p, m and v. What the first pass
 * would have to write is cheaper to compute again.
 */
import { at, laneSum, loadPart, storePart } from "./vector";

/** Elements of a task. */
const block: i32 = 32768;
/** Elements that are summed in f32 before f64 goes on. */
const stretch: i32 = 256;

function nextV(v: v128, g: v128, beta2: f32): v128 {
  return f32x4.add(f32x4.mul(v, f32x4.splat(beta2)), f32x4.mul(f32x4.mul(g, g), f32x4.splat(1 - beta2)));
}

/** Task: 32,768 elements, their sum to sums f64 [tasks]. */
export function stableAdamWSquares(
  _scratch: usize,
  task: i32,
  sums: usize,
  g: usize,
  v: usize,
  size: i32,
  gradScale: f32,
  beta2: f32,
  eps: f32,
): void {
  // Not 0: lanes beyond the end, where g and v are 0, must add 0.
  const floor = f32x4.splat(max<f32>(eps * eps, 1e-37));
  const end = min(size, (task + 1) * block);
  let total: f64 = 0;
  for (let from = task * block; from < end; from += stretch) {
    let sum = f32x4.splat(0);
    for (let i = from; i < min(end, from + stretch); i += 4) {
      const gradient = f32x4.mul(loadPart(at(g, i), end - i), f32x4.splat(gradScale));
      const variance = nextV(loadPart(at(v, i), end - i), gradient, beta2);
      sum = f32x4.add(sum, f32x4.div(f32x4.mul(gradient, gradient), f32x4.max(floor, variance)));
    }
    total += <f64>laneSum(sum);
  }
  store<f64>(sums + ((<usize>task) << 3), total);
}

/** Task: 32,768 elements. p ← p - (shrink · p + step · m / (sqrt(v) + eps)). */
export function stableAdamWUpdate(
  _scratch: usize,
  task: i32,
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  size: i32,
  gradScale: f32,
  beta1: f32,
  beta2: f32,
  eps: f32,
  step: f32,
  shrink: f32,
): void {
  const end = min(size, (task + 1) * block);
  for (let i = task * block; i < end; i += 4) {
    const n = end - i;
    const gradient = f32x4.mul(loadPart(at(g, i), n), f32x4.splat(gradScale));
    const before = f32x4.mul(loadPart(at(m, i), n), f32x4.splat(beta1));
    const mean = f32x4.add(before, f32x4.mul(gradient, f32x4.splat(1 - beta1)));
    const variance = nextV(loadPart(at(v, i), n), gradient, beta2);
    storePart(at(m, i), mean, n);
    storePart(at(v, i), variance, n);
    const root = f32x4.add(f32x4.sqrt(variance), f32x4.splat(eps));
    const parameter = loadPart(at(p, i), n);
    const change = f32x4.div(f32x4.mul(mean, f32x4.splat(step)), root);
    storePart(at(p, i), f32x4.sub(parameter, f32x4.add(f32x4.mul(parameter, f32x4.splat(shrink)), change)), n);
  }
}
