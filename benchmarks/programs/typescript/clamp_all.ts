function clamp_all(xs: number[], low: number, high: number): number[] {
    return xs.map((x) => Math.max(low, Math.min(high, x)));
}
