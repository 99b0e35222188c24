/** A backend around another one that counts what is asked of it. */
import type { Backend } from "@modernbert-ts/tensor-core";

/** @returns the backend, and how often each primitive and each fused kernel was run on it. */
export function countingBackend(inner: Backend): {
  readonly backend: Backend;
  readonly counts: ReadonlyMap<string, number>;
} {
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const backend: Backend = {
    name: `counted ${inner.name}`,
    capabilities: inner.capabilities,
    allocate: (bytes) => inner.allocate(bytes),
    release: (buffer) => inner.release(buffer),
    write: (buffer, data, offset) => inner.write(buffer, data, offset),
    read: (buffer, offset, bytes) => inner.read(buffer, offset, bytes),
    run(op, outputs, inputs, attrs) {
      count(op);
      inner.run(op, outputs, inputs, attrs);
    },
    fused: countedKernels(inner.fused, count),
    flush: () => inner.flush(),
    synchronize: () => inner.synchronize(),
    memory: () => inner.memory(),
    trim: (bytes) => inner.trim(bytes),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
  return { backend, counts };
}

/** The same kernels: `supports` decides as before, `forward` and `backward` are counted. */
function countedKernels(fused: Backend["fused"], count: (name: string) => void): Backend["fused"] {
  const entries = Object.entries(fused).map(([name, kernel]) => {
    const watched = new Proxy(kernel, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property);
        if ((property !== "forward" && property !== "backward") || typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          count(property === "forward" ? name : `${name}, backward`);
          return Reflect.apply(member, target, args);
        };
      },
    });
    return [name, watched] as const;
  });
  return Object.fromEntries(entries);
}
