function caesar(text: string, shift: number): string {
    return text.replace(/[A-Za-z]/g, (c) => {
        const base = c <= "Z" ? 65 : 97;
        const place = (c.charCodeAt(0) - base + shift) % 26;
        return String.fromCharCode(((place + 26) % 26) + base);
    });
}
