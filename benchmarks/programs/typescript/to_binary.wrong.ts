function to_binary(n: number): string {
    return (n >>> 0).toString(2);
}
