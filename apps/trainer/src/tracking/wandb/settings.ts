/** Where W&B is and what is asked of it: W&B's own environment variables, and the configuration. */
import type { WandbAddress } from "./api.ts";

export interface WandbSettings {
  readonly address: WandbAddress;
  readonly project: string;
  /** The key's own where it is left out. */
  readonly entity: string | undefined;
  readonly name: string | undefined;
}

/** undefined where W&B is not asked for, or told to be silent. @throws Error for what cannot be done. */
export function wandbSettings(
  environment: NodeJS.ProcessEnv,
  named: { readonly project?: string | undefined; readonly entity?: string | undefined },
): WandbSettings | undefined {
  const of = (name: string): string | undefined => environment[name] || undefined;
  const [key, base, mode] = [of("WANDB_API_KEY"), of("WANDB_BASE_URL"), of("WANDB_MODE") ?? "online"];
  if (mode === "offline" || mode === "disabled") return undefined;
  if (!key && !base && !named.project && !named.entity) return undefined;
  if (mode !== "online") throw new Error(`expected WANDB_MODE of online, offline or disabled, got ${mode}`);
  if (!key) throw new Error("expected WANDB_API_KEY, got none: set it, or WANDB_MODE=disabled");
  const url = URL.canParse(base ?? "") ? new URL(base!) : undefined;
  if (base && url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new Error("expected WANDB_BASE_URL of an http or https server, got another: unset it, or name a server");
  return {
    address: { url: (url?.href ?? "https://api.wandb.ai").replace(/\/+$/, ""), key },
    project: named.project ?? of("WANDB_PROJECT") ?? "modernbert",
    entity: named.entity ?? of("WANDB_ENTITY"),
    name: of("WANDB_NAME"),
  };
}
