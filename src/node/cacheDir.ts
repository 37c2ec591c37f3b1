import { posix, win32 } from "node:path";

export interface Surroundings {
  readonly platform: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The folder for caches: `GRAFT_CACHE` where set, else where the system keeps such things. */
export function cacheDirOf({ platform, home, env }: Surroundings): string {
  const path = platform === "win32" ? win32 : posix;
  const { GRAFT_CACHE: own = "", XDG_CACHE_HOME: xdg = "", LOCALAPPDATA: local = "" } = env;
  if (own !== "") return path.resolve(own);
  if (platform === "win32")
    return path.join(local === "" ? path.join(home, "AppData", "Local") : local, "graft", "Cache");
  // The XDG specification: a path that is not absolute is to be ignored.
  if (path.isAbsolute(xdg)) return path.join(xdg, "graft");
  return platform === "darwin" ? path.join(home, "Library", "Caches", "graft") : path.join(home, ".cache", "graft");
}
