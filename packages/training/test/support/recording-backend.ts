/** A device that computes nothing and has a fused kernel for every composite: it counts commands and the bytes of live buffers. */
import { bufferId } from "@modernbert-ts/tensor-core";
import type {
  Backend,
  BufferId,
  CompositeName,
  CompositeQuery,
  DType,
  FusedImplementations,
  FusedKernel,
  TensorSpec,
} from "@modernbert-ts/tensor-core";

export interface Recording {
  readonly backend: Backend;
  /** How often each command was queued, fused kernels by composite, "…Backward" for theirs. */
  readonly counts: ReadonlyMap<string, number>;
  commands(): number;
  /** In buffers that are live. */
  bytes(): number;
}

const dtypes: readonly DType[] = ["f32", "f16", "bf16", "i32", "u32"];

/** What a good kernel leaves for its backward, and what that reads: as on a GPU. */
const kept: { readonly [K in CompositeName]?: Partial<Pick<FusedKernel<K>, "saved" | "backwardReads">> } = {
  layerNorm: { saved: statistics, backwardReads: { inputs: [0, 1], outputs: [] } },
  residualLayerNorm: { saved: statistics, backwardReads: { inputs: [2], outputs: [0] } },
  glu: { backwardReads: { inputs: [0], outputs: [] } },
  rope: { backwardReads: { inputs: [1, 2, 3], outputs: [] } },
  varlenAttention: {
    saved: ({ inputs: [qkv] }) => [{ shape: [qkv!.shape[2]!, qkv!.shape[0]!], dtype: "f32" }],
    backwardReads: { inputs: [0, 1], outputs: [0] },
  },
  linearCrossEntropy: {
    saved: ({ inputs }) => inputs.slice(0, 3).filter((input) => input !== null),
    backwardReads: { inputs: [], outputs: [] },
  },
  linear: { backwardReads: { inputs: [0, 1], outputs: [] } },
  /** Both halves before the activation. */
  mlp: {
    saved: ({ inputs: [x, wi] }) => [{ shape: [x!.shape[0]!, wi!.shape[0]!], dtype: x!.dtype }],
    backwardReads: { inputs: [0, 1, 3], outputs: [] },
  },
};

function statistics({ inputs: [x] }: { readonly inputs: readonly (TensorSpec | null)[] }): TensorSpec[] {
  return [{ shape: [x!.shape[0]!, 2], dtype: "f32" }];
}

export function createRecordingBackend(): Recording {
  const counts = new Map<string, number>();
  const live = new Map<BufferId, number>();
  let [next, allocations] = [1, 0];
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const bytes = (): number => [...live.values()].reduce((sum, size) => sum + size, 0);
  const fused = new Proxy({} as FusedImplementations, {
    get<K extends CompositeName>(_target: object, name: K): FusedKernel<K> {
      return {
        supports: (_query: CompositeQuery<K>) => true,
        saved: () => [],
        backwardReads: { inputs: [], outputs: [] },
        wideGradients: true,
        forward: () => count(name),
        backward: () => count(`${name}Backward`),
        ...kept[name],
      };
    },
  });
  const backend: Backend = {
    name: "recording",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32", "f16", "bf16"],
      maxBufferBytes: 2 ** 40,
      deterministic: true,
      device: "recording",
    },
    fused,
    allocate(size) {
      const id = bufferId(next++);
      live.set(id, size);
      allocations++;
      return id;
    },
    release: (buffer) => void live.delete(buffer),
    write: () => undefined,
    run: (op) => count(op),
    read: async (_buffer, _offset, size) => new ArrayBuffer(size),
    flush: () => undefined,
    synchronize: async () => undefined,
    memory: () => ({ activeBytes: bytes(), peakBytes: 0, cachedBytes: 0, liveBuffers: live.size, allocations }),
    trim: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { backend, counts, commands: () => [...counts.values()].reduce((sum, each) => sum + each, 0), bytes };
}
