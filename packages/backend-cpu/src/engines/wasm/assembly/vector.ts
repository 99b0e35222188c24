/** Four floats at a time: addresses, rows whose length is no multiple of four, sums across lanes. */

/** Address of float `index` from `base` on. */
export function at(base: usize, index: i32): usize {
  return base + ((<usize>index) << 2);
}

/** The next `count` floats; lanes from `count` on are 0. */
export function loadPart(address: usize, count: i32): v128 {
  if (count >= 4) return v128.load(address);
  let value = f32x4.splat(0);
  if (count > 0) value = f32x4.replace_lane(value, 0, load<f32>(address));
  if (count > 1) value = f32x4.replace_lane(value, 1, load<f32>(address, 4));
  if (count > 2) value = f32x4.replace_lane(value, 2, load<f32>(address, 8));
  return value;
}

/** Stores the first `count` lanes. */
export function storePart(address: usize, value: v128, count: i32): void {
  if (count >= 4) {
    v128.store(address, value);
    return;
  }
  if (count > 0) store<f32>(address, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(address, f32x4.extract_lane(value, 1), 4);
  if (count > 2) store<f32>(address, f32x4.extract_lane(value, 2), 8);
}

/** a · b + c, fused where the module is built with relaxed SIMD. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

export function laneSum(value: v128): f32 {
  const pairs = f32x4.add(value, i32x4.shuffle(value, value, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

export function laneMax(value: v128): f32 {
  const pairs = f32x4.max(value, i32x4.shuffle(value, value, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}
