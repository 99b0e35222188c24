/**
 * Reductions over the threads of a workgroup, written once for all kernels: by subgroup operations where the device has them, else by a
 * tree in workgroup memory. WGSL promises neither a size of subgroups nor which threads make one, so nothing here assumes either: a
 * subgroup is known by its smallest thread, leaves its part at that place, and every thread combines the parts in the order of their
 * places. One device gives the same bits every time.
 */

/** Threads of a workgroup that reduces. */
export const groupThreads = 64;

/** The parameter that the tree needs: half the workgroup. A constant would have compilers unroll it, which takes software adapters seconds. */
export const halfGroup: readonly [name: string, type: "u32", value: number] = ["half_group", "u32", groupThreads / 2];

/** A WGSL function `NAME(v, local)` that every thread of the workgroup calls with a value, and that gives all of them the result. */
export interface Reduction {
  readonly name: string;
  readonly type: string;
  /** Expression in a and b; may be regrouped, and may be reordered. */
  readonly combine: string;
  /** Expression in v: the same over a subgroup. */
  readonly inSubgroup: string;
}

/** Σ of numbers or vectors. */
export function sumOf(type: string, name = "sum_of"): Reduction {
  return { name, type, combine: "a + b", inSubgroup: "subgroupAdd(v)" };
}

/** The largest, of vectors each part. */
export function maxOf(type: string, name = "max_of"): Reduction {
  return { name, type, combine: "max(a, b)", inSubgroup: "subgroupMax(v)" };
}

/** @param subgroups Whether to use subgroup operations; else the shader needs the parameter `halfGroup`. */
export function printReductions(subgroups: boolean, ...reductions: readonly Reduction[]): string {
  const functions = reductions.map((reduction) => {
    const { name, type, combine } = reduction;
    return `var<workgroup> ${name}_parts: array<${type}, ${groupThreads}>;
fn ${name}_combine(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(v: ${type}, local: u32) -> ${type} {
  workgroupBarrier(); // the parts of an earlier call have been read
  ${subgroups ? printBySubgroups(reduction) : printByTree(reduction)}
}`;
  });
  // A bit for the smallest thread of each subgroup. It never changes within a workgroup, so setting it again does no harm.
  const smallest = `var<workgroup> smallest_threads: array<atomic<u32>, ${groupThreads / 32}>;`;
  return [...(subgroups ? [smallest] : []), ...functions].join("\n");
}

function printByTree({ name }: Reduction): string {
  return `${name}_parts[local] = v;
  for (var width = p.half_group; width > 0u; width = width / 2u) {
    workgroupBarrier();
    if (local < width) { ${name}_parts[local] = ${name}_combine(${name}_parts[local], ${name}_parts[local + width]); }
  }
  workgroupBarrier();
  return ${name}_parts[0];`;
}

/** Thread 0 is the smallest of its subgroup whichever that is, so the parts begin with its. */
function printBySubgroups({ name, inSubgroup }: Reduction): string {
  return `let part = ${inSubgroup};
  if (subgroupMin(local) == local) {
    ${name}_parts[local] = part;
    atomicOr(&smallest_threads[local / 32u], 1u << (local % 32u));
  }
  workgroupBarrier();
  var total = ${name}_parts[0];
  for (var word = 0u; word < ${groupThreads / 32}u; word++) {
    var places = atomicLoad(&smallest_threads[word]) & select(0xffffffffu, 0xfffffffeu, word == 0u);
    while (places != 0u) {
      total = ${name}_combine(total, ${name}_parts[32u * word + firstTrailingBit(places)]);
      places &= places - 1u;
    }
  }
  return total;`;
}
