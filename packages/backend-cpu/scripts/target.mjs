/** What the native library is built for: this machine, or what TARGET_PLATFORM, TARGET_ARCH and TARGET_LIBC (glibc, musl) say. */
import { familySync } from "detect-libc";

export const platform = process.env.TARGET_PLATFORM ?? process.platform;
export const arch = process.env.TARGET_ARCH ?? process.arch;
const libc = process.env.TARGET_LIBC ?? familySync();

/** The name of its folder in build/, and the end of its package's name. */
export const target = platform === "linux" && libc === "musl" ? `${platform}-${arch}-musl` : `${platform}-${arch}`;
