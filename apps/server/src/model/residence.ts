/**
 * Which models are in memory. A model is loaded when a request needs it; where the budget has no room for it, those that have been idle
 * longest leave first, and one that is busy leaves when its requests are answered: it takes no new ones then, so that who waits for room
 * gets it. Who waits is served in order of arrival.
 */
import { StartError } from "../errors.ts";

export type LoadReason = "start" | "demand";

/** What the residence does with a model. */
export interface Resident {
  /** Begins to load it, because a request asks for it or because the server starts. */
  load(reason: LoadReason): void;
  /** Resolves when its memory is free again. */
  unload(): Promise<void>;
}

export interface ResidenceLimits {
  /** Bytes of all models in memory together. */
  readonly budget?: number | undefined;
  /** Milliseconds without a request after which a model leaves. */
  readonly idle?: number | undefined;
}

interface Waiter {
  readonly place: Place;
  readonly enter: () => void;
}

/** A model's right to be in memory. */
export class Place {
  readonly name: string;
  readonly resident: Resident;
  /** An estimate until the model has been loaded once. */
  bytes: number;
  state: "outside" | "inside" | "leaving" | "unloading" = "outside";
  users = 0;
  lastUsed = 0;
  idleTimer: NodeJS.Timeout | undefined;

  constructor(name: string, bytes: number, resident: Resident) {
    this.name = name;
    this.bytes = bytes;
    this.resident = resident;
  }
}

export class Residence {
  readonly #limits: ResidenceLimits;
  readonly #places: Place[] = [];
  #waiting: Waiter[] = [];

  constructor(limits: ResidenceLimits) {
    this.#limits = limits;
  }

  /** @throws StartError for a model that is larger than the whole budget. */
  add(name: string, bytes: number, resident: Resident): Place {
    const { budget = Infinity } = this.#limits;
    if (bytes > budget) {
      throw new StartError(
        `expected every model to fit --memory-budget (${budget} bytes), got ${name} of some ${bytes} bytes: raise it, or serve that model elsewhere`,
      );
    }
    const place = new Place(name, bytes, resident);
    this.#places.push(place);
    return place;
  }

  /** Loads those that fit beside each other, in order; the others come when they are asked for. */
  fill(): void {
    for (const place of this.#places) if (place.bytes <= this.#room()) this.#load(place, "start");
  }

  /** Runs `body` while the model stays in memory (or is being loaded). Rejects with the signal's reason when there is no room in time. */
  async hold<T>(place: Place, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    if (place.state === "inside") this.#use(place);
    else await this.#wait(place, signal);
    try {
      return await body();
    } finally {
      place.users--;
      place.lastUsed = performance.now();
      this.#watchIdle(place);
      this.#settle();
    }
  }

  /** Stops the timers. */
  close(): void {
    for (const { idleTimer } of this.#places) clearTimeout(idleTimer);
  }

  async #wait(place: Place, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let waiter!: Waiter;
    let abort!: () => void;
    const entered = new Promise<void>((resolve, reject) => {
      waiter = { place, enter: resolve };
      abort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(signal.reason as Error);
        this.#settle();
      };
    });
    signal.addEventListener("abort", abort);
    this.#waiting.push(waiter);
    this.#settle();
    try {
      await entered;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Lets in who can come in, and makes room for the first who cannot. */
  #settle(): void {
    for (const place of this.#places) if (place.state === "leaving" && place.users === 0) this.#unload(place);
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const { place } = first;
      if (place.state === "outside" && place.bytes <= this.#room()) this.#load(place, "demand");
      if (place.state !== "inside") break;
      this.#letIn(place);
    }
    const [first] = this.#waiting;
    if (first?.place.state === "outside") this.#makeRoom(first.place);
  }

  #letIn(place: Place): void {
    const entering = this.#waiting.filter((waiter) => waiter.place === place);
    this.#waiting = this.#waiting.filter((waiter) => waiter.place !== place);
    for (const { enter } of entering) {
      this.#use(place);
      enter();
    }
  }

  #use(place: Place): void {
    clearTimeout(place.idleTimer);
    place.users++;
  }

  #room(): number {
    const taken = this.#places.reduce((sum, { state, bytes }) => (state === "outside" ? sum : sum + bytes), 0);
    return (this.#limits.budget ?? Infinity) - taken;
  }

  /** Asks as many to leave as it takes, those without users first, then by their last use. */
  #makeRoom(wanted: Place): void {
    const departing = this.#places.filter(({ state }) => state === "leaving" || state === "unloading");
    let missing = wanted.bytes - this.#room() - departing.reduce((sum, { bytes }) => sum + bytes, 0);
    const staying = this.#places
      .filter(({ state }) => state === "inside")
      .sort((a, b) => Number(a.users > 0) - Number(b.users > 0) || a.lastUsed - b.lastUsed);
    for (const place of staying) {
      if (missing <= 0) return;
      missing -= place.bytes;
      this.#leave(place);
    }
  }

  #load(place: Place, reason: LoadReason): void {
    place.state = "inside";
    place.lastUsed = performance.now();
    place.resident.load(reason);
    this.#watchIdle(place);
  }

  #leave(place: Place): void {
    place.state = "leaving";
    if (place.users === 0) this.#unload(place);
  }

  #unload(place: Place): void {
    clearTimeout(place.idleTimer);
    place.state = "unloading";
    void place.resident.unload().then(() => {
      place.state = "outside";
      this.#settle();
    });
  }

  #watchIdle(place: Place): void {
    const { idle } = this.#limits;
    if (idle === undefined || place.users > 0 || place.state !== "inside") return;
    clearTimeout(place.idleTimer);
    place.idleTimer = setTimeout(() => {
      if (place.state === "inside" && place.users === 0) this.#leave(place);
    }, idle).unref();
  }
}
