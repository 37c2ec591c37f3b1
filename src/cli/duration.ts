/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number, digits = 0): string {
  const whole = Math.round(seconds);
  if (seconds < 10) return `${seconds.toFixed(digits)} s`;
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
