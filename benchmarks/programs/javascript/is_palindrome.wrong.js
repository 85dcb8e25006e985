function is_palindrome(text) {
  const letters = text.replace(/[^a-z]/g, "");
  return letters === [...letters].reverse().join("");
}
