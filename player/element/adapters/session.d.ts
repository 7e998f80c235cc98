import type { Client, Problem } from "../core.js";

export interface ConnectOptions {
  /** Of createClient; of this player alone. */
  client: Client;
  /** COURSE or COURSE/LESSON. */
  path: string;
  /** A playlist below the path, in place of the lesson's. */
  playlist?: string;
  /** The video does not play; describe(problem.code) says why. */
  onRefused?(problem: Problem): void;
}

export interface Connection {
  /** Opens the video again where it is, after a refusal. */
  reload(): void;
  /** Ends what the adapter does. Call it before the player is destroyed. */
  close(): void;
}
