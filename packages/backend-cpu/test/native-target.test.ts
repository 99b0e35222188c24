/** Which library is looked for and which is built: by the C library on Linux. */
import { familySync } from "detect-libc";
import { beforeEach, describe, expect, test, vi } from "vitest";

vi.mock("detect-libc", () => ({ familySync: vi.fn<() => string | null>() }));

const script = async (name: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(`../scripts/${name}.mjs`)) as Readonly<Record<string, unknown>>;
const here = `${process.platform}-${process.arch}`;

describe.each([
  ["glibc", here],
  ["musl", process.platform === "linux" ? `${here}-musl` : here],
  [null, here],
])("on %s", (family, target) => {
  beforeEach(() => {
    vi.resetModules();
    vi.mocked(familySync).mockReturnValue(family);
  });

  test("the package of the target is looked for", async () => {
    const located = await import("../src/engines/native/locate.ts");
    expect(located.platformPackage).toBe(`@modernbert-ts/backend-cpu-${target}`);
  });

  test("the target is built, and it is one that is published", async () => {
    vi.stubEnv("TARGET_LIBC", undefined);
    expect((await script("target"))["target"]).toBe(target);
    if (process.platform === "linux" && ["x64", "arm64"].includes(process.arch))
      expect((await script("platforms"))["platforms"]).toHaveProperty(target);
  });
});
