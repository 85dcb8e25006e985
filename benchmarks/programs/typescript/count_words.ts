function count_words(text: string): {[key: string]: number} {
    const counts = new Map<string, number>();
    for (const word of text.split(" ")) {
        if (word !== "") {
            counts.set(word, (counts.get(word) ?? 0) + 1);
        }
    }
    return Object.fromEntries(counts);
}
