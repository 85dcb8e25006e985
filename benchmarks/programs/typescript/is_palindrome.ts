function is_palindrome(text: string): boolean {
    const letters = text.replace(/[^A-Za-z]/g, "").toLowerCase();
    return letters === [...letters].reverse().join("");
}
