function merge_counts(
    first: {[key: string]: number},
    second: {[key: string]: number},
): {[key: string]: number} {
    const merged = new Map(Object.entries(first));
    for (const [key, count] of Object.entries(second)) {
        merged.set(key, (merged.get(key) ?? 0) + count);
    }
    return Object.fromEntries([...merged].filter(([, count]) => count !== 0));
}
