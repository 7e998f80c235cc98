// What opens and renews videos, without a DOM but fetch and timers.

/** Where a video plays and how to ask for its files. */
export interface Grant {
  readonly mode: "cookies" | "link";
  /** COURSE or COURSE/LESSON. */
  readonly path: string;
  /** The playlist that was asked for; none means the lesson's. */
  readonly playlist?: string;
  /** The URL of what the grant opens, with a slash at its end. */
  readonly folder: string;
  /** The URL of the playlist. A link's is a credential: do not log or store it. */
  readonly url: string;
  /** Of requests below folder. */
  readonly credentials: RequestCredentials;
  /**
   * Gives an address below the folder, and no other, what it needs: a link's
   * signature. With cookies addresses stay as they are. Others' signatures of an
   * earlier link are replaced, so that what a player asks for after a renewal is
   * signed anew.
   */
  sign(address: string): string;
  /** Seconds of life, when the response came. */
  readonly expiresIn: number;
  /** Seconds after which to renew, when the response came: spread over viewers. */
  readonly renewAfter: number;
  /** Seconds since the response came. */
  elapsed(): number;
}

/** The viewer's ID token, or what gets it. */
export type Token =
  | string
  /**
   * Called for each request; renew says that the last token was rejected. null
   * means that nobody is signed in. It may throw a Problem.
   */
  | ((renew: boolean) => string | null | undefined | Promise<string | null | undefined>);

/** "auto": cookies on the same site, a link elsewhere and where cookies do not arrive. */
export type Mode = "auto" | "cookies" | "link";

export interface ClientOptions {
  /** The origin of the site, such as https://video.example.com; the page's own if it is missing. */
  api?: string;
  /** The setting premiumPath; "premium" by default. */
  premiumPath?: string;
  token?: Token;
  mode?: Mode;
  /** The player's size in pixels of the screen: which rendition to prepare. */
  size?(): { width: number; height: number };
  /** Has the paths whose cookies were requested, for all tabs; localStorage by default. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Whether to renew now. By default always. */
  playing?(): boolean;
  /** A renewal failed; remaining seconds are left. */
  onTrouble?(problem: Problem, remaining: number): void;
  onRenewed?(grant: Grant): void;
  fetch?: typeof globalThis.fetch;
  /** The page's address, where there is no location: in Node. */
  page?: URL | Location;
  /** Whether another page shows this one. */
  framed?: boolean;
  timers?: { setTimeout(run: () => void, milliseconds: number): any; clearTimeout(timer: any): void };
  /** Makes a stopwatch, which returns seconds. */
  watch?(): () => number;
  /** In [0, 1), for the spread of retries. */
  random?(): number;
}

/** Opens and renews videos. Use one for each player: it renews one grant at a time. */
export interface Client {
  /**
   * Resolves to a grant for a path; throws a Problem.
   *
   * @param options.renew not the one that is still fresh
   * @param options.playlist below the path, in place of the lesson's
   * @param options.link a link, also where cookies work: for another device
   */
  open(path: string, options?: { renew?: boolean; playlist?: string; link?: boolean }): Promise<Grant>;
  /**
   * Resolves to a grant in place of one whose files were refused (403): cookies
   * that the browser withholds are replaced by a link. Throws a Problem.
   */
  mend(grant: Grant): Promise<Grant>;
  /** Gets ready what a viewer may open next. Resolves to whether the browser has its cookies. */
  prepare(path: string, playlist?: string | null): Promise<boolean>;
  /** Renews a grant before it expires, until rest is called. */
  keep(grant: Grant): void;
  rest(): void;
  /** To be called when timers may have been late: after sleep, on play, back online. */
  awaken(): void;
  /** Forgets what another viewer was granted. */
  forget(): void;
  /**
   * For sign-out: clears the cookies of every path that any tab requested.
   * Resolves to false if that failed for one.
   */
  close(): Promise<boolean>;
  /** Calls the API with the token. Resolves to its JSON; throws a Problem. */
  call(method: string, path: string, body?: object): Promise<any>;
  /** Whether the API has said that the site has no links. */
  readonly linksOff: boolean;
  playing(): boolean;
  onTrouble(problem: Problem, remaining: number): void;
  onRenewed(grant: Grant): void;
}

export function createClient(options: ClientOptions): Client;

/** An error with a stable code: of the API (docs/openapi.yaml) or of the player. */
export class Problem extends Error {
  constructor(code: string, details?: { retryAfter?: number; requestId?: string });
  readonly name: "Problem";
  readonly code: string;
  /** Seconds. */
  readonly retryAfter?: number;
  /** For support. */
  readonly requestId?: string;
  /** The cause if it is a Problem, else one with the code "unexpected". */
  static from(cause: unknown): Problem;
}

/** A code in words. */
export interface Description {
  code: string;
  heading: string;
  text: string;
  /** The button below the text, or "" for none. */
  action: "sign-in" | "retry" | "";
  /** The request's id, if the viewer cannot solve the problem alone. */
  reference: string;
}

export function describe(code: string, details?: { title?: string; retryAfter?: number; requestId?: string }): Description;

/** A problem while the video still plays; remaining in seconds. */
export function warn(code: string, remaining: number): string;

/** All codes that have words. */
export const codes: readonly string[];

/** Seconds in words, rounded up: "2 minutes". */
export function inWords(seconds: number): string;

export interface Chapter {
  /** Seconds. */
  start: number;
  title: string;
}

/** lesson.json. Its addresses are relative to the file. */
export interface Lesson {
  path: string;
  version: string;
  playlist: string;
  description?: string;
  /** Seconds. */
  duration: number;
  /** A WebVTT index of pictures. */
  storyboard?: string;
  chapters?: Chapter[];
  captions?: { language: string; name: string; playlist: string }[];
}

/** Resolves to a grant's lesson.json; to null for a folder without one. */
export function readLesson(grant: Pick<Grant, "folder" | "credentials" | "sign">, fetch?: typeof globalThis.fetch): Promise<Lesson | null>;

/**
 * Resolves to the status of an address that a grant opens, for players that learn
 * none; 0 if there is no response. It is 403 also where the browser hides it from
 * a page of another origin.
 */
export function statusOf(grant: Pick<Grant, "credentials" | "sign">, address: string, fetch?: typeof globalThis.fetch): Promise<number>;
