function transpose(matrix: number[][]): number[][] {
    if (matrix.length === 0) {
        return [];
    }
    const width = Math.max(...matrix.map((row) => row.length));
    return Array.from({ length: width }, (_, i) => matrix.map((row) => row[i]));
}
