import type { Connection, ConnectOptions } from "./session.js";

export type { Connection, ConnectOptions };

/** What the adapter uses of an Hls of hls.js. */
export interface HlsPlayer {
  readonly config: { xhrSetup?: any; startPosition: number };
  readonly levels: readonly unknown[];
  readonly media: HTMLMediaElement | null;
  on(event: any, listener: (...args: any[]) => void): void;
  off(event: any, listener?: (...args: any[]) => void): void;
  attachMedia(media: any): void;
  loadSource(url: string): void;
  startLoad(position?: number): void;
  stopLoad(): void;
}

/** Plays a path with hls.js. */
export function connectHls(hls: HlsPlayer, options: ConnectOptions & { video: HTMLMediaElement }): Connection;
