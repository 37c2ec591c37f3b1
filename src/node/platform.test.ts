import { describe, expect, it } from "vitest";
import { platformContract } from "../platform/platform.fixture.ts";
import { cacheDirOf } from "./cacheDir.ts";
import { nodePlatform } from "./platform.ts";

platformContract("Node", nodePlatform);

describe("the folder for caches", () => {
  const linux = { platform: "linux", home: "/home/ada", env: {} };

  it("is where each system keeps such things", () => {
    expect(cacheDirOf(linux)).toBe("/home/ada/.cache/graft");
    expect(cacheDirOf({ ...linux, platform: "darwin" })).toBe("/home/ada/Library/Caches/graft");
    const windows = { platform: "win32", home: "C:\\Users\\Ada" };
    expect(cacheDirOf({ ...windows, env: {} })).toBe("C:\\Users\\Ada\\AppData\\Local\\graft\\Cache");
    expect(cacheDirOf({ ...windows, env: { LOCALAPPDATA: "D:\\Local" } })).toBe("D:\\Local\\graft\\Cache");
  });

  it("follows XDG_CACHE_HOME where it is absolute, and GRAFT_CACHE before all", () => {
    expect(cacheDirOf({ ...linux, env: { XDG_CACHE_HOME: "/cache" } })).toBe("/cache/graft");
    expect(cacheDirOf({ ...linux, env: { XDG_CACHE_HOME: "cache" } })).toBe("/home/ada/.cache/graft");
    expect(cacheDirOf({ ...linux, env: { XDG_CACHE_HOME: "/cache", GRAFT_CACHE: "/mine" } })).toBe("/mine");
  });

  it("can be chosen", () => {
    expect(nodePlatform({ cacheDir: "/elsewhere" }).cacheDir).toBe("/elsewhere");
  });
});
