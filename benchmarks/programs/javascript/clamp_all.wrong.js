function clamp_all(xs, low, high) {
  return xs.map((x) => Math.max(x, low));
}
