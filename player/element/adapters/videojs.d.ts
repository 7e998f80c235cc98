import type { Connection, ConnectOptions } from "./session.js";

export type { Connection, ConnectOptions };

/** What the adapter uses of a player of video.js. */
export interface VideojsPlayer {
  el(): Element;
  src(source: any): any;
  play(): any;
  currentTime(seconds: number): any;
  crossOrigin(value: any): any;
  error(value: null): any;
  tech(safety?: any): any;
  on(event: string, listener: () => void): any;
  one(event: string, listener: () => void): any;
  off(event: string, listener: () => void): any;
}

/**
 * Plays a path with video.js 8. Where it leaves HLS to the browser, a link cannot
 * be renewed without loading the video again.
 */
export function connectVideojs(player: VideojsPlayer, options: ConnectOptions): Connection;
