import type { Connection, ConnectOptions } from "./session.js";

export type { Connection, ConnectOptions };

/** What the adapter uses of a shaka.Player. */
export interface ShakaPlayer {
  getMediaElement(): HTMLMediaElement | null;
  getNetworkingEngine(): { registerRequestFilter(filter: any): void; unregisterRequestFilter(filter: any): void } | null;
  load(url: string, startTime?: number | null, mimeType?: string): Promise<unknown>;
  retryStreaming(delay?: number): boolean;
  addEventListener(type: string, listener: any): void;
  removeEventListener(type: string, listener: any): void;
}

/** Plays a path with Shaka Player, which is attached to a media element. */
export function connectShaka(player: ShakaPlayer, options: ConnectOptions): Connection;
