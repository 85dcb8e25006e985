function digit_sum(n: number): number {
    const total = [...String(Math.abs(n))].reduce((sum, digit) => sum + Number(digit), 0);
    return total < 10 ? total : digit_sum(total);
}
