function collatz_steps(n: number): number {
    let steps = 1;
    while (n > 1) {
        n = n % 2 === 0 ? n / 2 : 3 * n + 1;
        steps++;
    }
    return steps;
}
