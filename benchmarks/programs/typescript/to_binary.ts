function to_binary(n: number): string {
    return n.toString(2);
}
