// <premium-video>.
import type { Chapter, Client, Description, Lesson, Mode, Token } from "./core.js";

/** Why a video does not play. */
export interface Refusal extends Pick<Description, "code" | "heading" | "text" | "action"> {
  requestId?: string;
  /** Seconds. */
  retryAfter?: number;
}

/** What the element is doing. Its codes may become more. */
export interface Status {
  code: "opening" | "ready" | "playing" | "paused" | "ended" | "reopening" | "trouble" | "renewal_failed" | (string & {});
  text: string;
  warning: boolean;
}

/** The element's own events, all CustomEvents that bubble and are composed. */
export interface PremiumVideoEventMap {
  opening: CustomEvent<{}>;
  /** The duration is known. */
  ready: CustomEvent<{}>;
  playing: CustomEvent<{}>;
  pause: CustomEvent<{}>;
  ended: CustomEvent<{}>;
  timeupdate: CustomEvent<{ currentTime: number; duration: number }>;
  refused: CustomEvent<Refusal>;
  status: CustomEvent<Status>;
  chapters: CustomEvent<{ chapters: Chapter[] }>;
  details: CustomEvent<{ details: Partial<Lesson> }>;
  /** The cookies or the link were renewed while the video plays. */
  renewed: CustomEvent<{}>;
}

export class PremiumVideo extends HTMLElement {
  /** COURSE or COURSE/LESSON; attribute path. Another one is another video. */
  path: string;
  /** The origin of the site; attribute api. The page's own by default. */
  api: string;
  /** A playlist below the path, in place of the lesson's; attribute playlist. */
  playlist: string;
  /** A playlist that needs no grant, in place of path; attribute src. */
  src: string;
  /** Attribute poster. */
  poster: string;
  /** The video's name in sentences; attribute video-title. */
  videoTitle: string;
  /** Attribute mode. */
  mode: Mode | "";
  /** The setting premiumPath; attribute premium-path. */
  premiumPath: string;
  get details(): Partial<Lesson> | string | null;
  /**
   * The URL of a lesson.json, as the attribute details; or what is in one. null:
   * there is none.
   */
  set details(value: Partial<Lesson> | string | null);
  /** The viewer's ID token, or what gets it. */
  token: Token | null | undefined;
  /** A client in place of one of the element's own. */
  client: Client | null;
  /** Seconds. Can be set before the video is open. */
  currentTime: number;
  /** Seconds; 0 if it is not known. */
  readonly duration: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly playing: boolean;
  readonly chapters: readonly Chapter[];
  /** The media element. */
  readonly video: HTMLVideoElement;
  /** Plays; as soon as the video is open, if it is not yet. */
  play(): void;
  pause(): void;
  /** Opens the video again, where it was, and plays it. */
  reload(): void;
  /** Stops, and forgets the video until another one is set or it is reloaded. */
  close(): void;
  /** Gets ready what the viewer may open next. Resolves to whether the browser has its cookies. */
  prepare(path: string, playlist?: string): Promise<boolean>;

  addEventListener<K extends keyof PremiumVideoEventMap>(type: K, listener: (this: PremiumVideo, event: PremiumVideoEventMap[K]) => any, options?: boolean | AddEventListenerOptions): void;
  addEventListener<K extends Exclude<keyof HTMLElementEventMap, keyof PremiumVideoEventMap>>(type: K, listener: (this: HTMLElement, event: HTMLElementEventMap[K]) => any, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "premium-video": PremiumVideo;
  }
}
