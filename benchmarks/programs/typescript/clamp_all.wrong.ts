function clamp_all(xs: number[], low: number, high: number): number[] {
    return xs.map((x) => Math.min(low, Math.max(high, x)));
}
