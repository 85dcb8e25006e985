function gcd_all(numbers: number[]): number {
    const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
    return numbers.reduce((divisor, number) => gcd(divisor, Math.abs(number)), 0);
}
