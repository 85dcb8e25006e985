function mean_or_none(values: number[]): number | undefined {
    if (values.length === 0) {
        return undefined;
    }
    return values.reduce((total, value) => total + value, 0) / values.length;
}
