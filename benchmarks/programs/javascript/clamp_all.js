function clamp_all(xs, low, high) {
  return xs.map((x) => Math.min(Math.max(x, low), high));
}
